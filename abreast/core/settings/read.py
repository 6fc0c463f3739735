"""Reading `params.yaml`."""

from pathlib import Path

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from abreast.core.errors import AbreastError
from abreast.core.renamed_knobs import refuse_old_names
from abreast.core.settings.explain import explain
from abreast.core.settings.params import Params


def load_params(root: Path = Path()) -> Params:
    """Read `root/params.yaml`.

    Raises:
        AbreastError: the file is missing or is not YAML, or a knob is unknown, ill-typed or out of range; the message
            names the knob by its path, such as `train.learning_rate`.
    """
    path = root / "params.yaml"
    try:
        # YAML 1.2, as DVC reads it: in 1.1, `learning_rate: 1e-3` would be a text.
        knobs = YAML(typ="safe", pure=True).load(path.read_text()) or {}
    except FileNotFoundError:
        raise AbreastError(f"{path}: no such file; run inside an Abreast project, where params.yaml lies") from None
    except YAMLError as error:
        raise AbreastError(f"{path}: not valid YAML: {' '.join(str(error).split())}") from None
    return parse_params(knobs, source=str(path))


def parse_params(knobs: object, source: str = "params.yaml") -> Params:
    """Check knobs that were already read, such as `{"train": {"epochs": 8}}`; see `load_params`."""
    if not isinstance(knobs, dict):
        raise AbreastError(f"{source}: expected sections such as `train:`, got {type(knobs).__name__}")
    refuse_old_names(knobs, source)
    try:
        return Params.model_validate(_lists_to_tuples(knobs))
    except ValidationError as error:
        raise AbreastError(f"{source}: {explain(error, knobs)}") from None


def _lists_to_tuples(value: object) -> object:
    """YAML knows only lists; frozen models hold tuples."""
    if isinstance(value, dict):
        return {name: _lists_to_tuples(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return tuple(_lists_to_tuples(inner) for inner in value)
    return value
