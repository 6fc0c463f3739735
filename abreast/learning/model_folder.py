"""The model folder: an adapter in safetensors, its settings in JSON, and `abreast.json`, what it belongs to.

Of an encoder the heads lie beside the adapter, see `abreast.learning.encoder.folder`.
"""

import json
import shutil
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from abreast.core.errors import AbreastError
from abreast.core.renamed_knobs import with_new_names
from abreast.core.validation import first_validation_error
from abreast.learning.backbone.prompt_tokenizer import PLACE
from abreast.learning.encoder.folder import Heads

CARD = "abreast.json"
WEIGHTS = "adapter_model.safetensors"
SETTINGS = "adapter_config.json"
MEMORY = "memory.safetensors"
EXPERTS = "experts.json"
FORMAT = 2


class Card(BaseModel):
    """What a model folder belongs to: the base by name and content, the prompt, and how the base is adapted.

    `peft` is `train.peft` with every knob of its method, `top_layers` is `train.top_layers`, `experts` is
    `train.experts`.
    """

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid")

    format: int = FORMAT
    base: str
    base_digest: str
    prompt: str
    peft: dict[str, str | float | int | bool]
    top_layers: int
    experts: Literal["domain"] | None = None

    @model_validator(mode="before")
    @classmethod
    def _of_an_older_version(cls, values: Any) -> Any:
        return with_new_names("train", values) if isinstance(values, dict) else values


class Made(Protocol):
    """What training made."""

    def write(self, folder: Path, base: str) -> None:
        """Put all of it into an empty folder; `base` is the card's."""
        ...


@dataclass(frozen=True)
class Candidate:
    """One adapter.

    Attributes:
        settings: PEFT's.
        weights: the adapter's weights under PEFT's names.
        mark: the ids that end every prompt, if the adapter is awake only from there.
        memory: what strategies keep for the next update, by name.
        heads: those of an encoder, with which it answers.
    """

    settings: Any
    weights: dict[str, Any]
    mark: tuple[int, ...] = ()
    memory: dict[str, Any] = field(default_factory=dict)
    heads: Heads | None = None

    def write(self, folder: Path, base: str) -> None:
        write_tensors(folder / WEIGHTS, self.weights)
        write_tensors(folder / MEMORY, self.memory)
        if self.heads is not None:
            self.heads.write(folder)
        (folder / SETTINGS).write_text(_settings_json(self.settings, base, self.mark))


def write_tensors(path: Path, tensors: dict[str, Any]) -> None:
    """Write named tensors as safetensors; no file if there are none."""
    from safetensors.torch import save_file

    if tensors:
        plain = {name: value.cpu().contiguous() for name, value in tensors.items()}
        save_file(plain, path, metadata={"format": "pt"})


def write_model_folder(folder: Path, card: Card, candidate: Made) -> None:
    """Write a model folder in place of whatever is there; the card comes last, so a folder with a card is complete.

    Raises:
        AbreastError: it cannot be written, such as on a full disk.
    """
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        candidate.write(folder, card.base)
        (folder / CARD).write_text(json.dumps(card.model_dump(exclude_none=True), indent=1, sort_keys=True) + "\n")
    except OSError as error:
        raise AbreastError(f"{folder}: cannot write the model: {error}") from None


def read_memory(folder: Path) -> dict[str, Any]:
    """What the strategies of a model's training left for the next one; empty where they left nothing."""
    from safetensors.torch import load_file

    path = folder / MEMORY
    return load_file(path) if path.is_file() else {}


def _settings_json(settings: Any, base: str, mark: tuple[int, ...]) -> str:
    """PEFT's own form of the settings, without anything that differs from machine to machine."""
    values = settings.to_dict() | {"base_model_name_or_path": base, "inference_mode": True}
    if mark:
        values["alora_invocation_tokens"] = list(mark)
    plain = {name: sorted(value) if isinstance(value, set) else value for name, value in values.items()}
    return json.dumps(plain, indent=1, sort_keys=True, default=str) + "\n"


def read_card(folder: Path) -> Card:
    """Read the card of a complete model folder.

    Raises:
        AbreastError: a file is missing or the card is damaged.
    """
    check_files(folder, CARD)
    try:
        card = Card.model_validate_json((folder / CARD).read_bytes())
    except ValidationError as error:
        raise AbreastError(f"{folder / CARD}: {first_validation_error(error, 'content')}") from None
    if card.format != FORMAT or PLACE not in card.prompt:
        raise AbreastError(f"{folder / CARD}: format {card.format}, prompt {card.prompt!r}: not a card of this Abreast")
    check_files(folder, *((EXPERTS,) if card.experts else (WEIGHTS, SETTINGS)))
    return card


def check_files(folder: Path, *names: str) -> None:
    """Raise AbreastError if one of these files is not in `folder`."""
    for name in names:
        if not (folder / name).is_file():
            raise AbreastError(f"{folder}: not a complete model folder: {name} is missing")


def model_digest(folder: Path) -> str:
    """sha256 in hex over the names and contents of all files in `folder`; two equal folders have one digest.

    Raises:
        AbreastError: there is no such folder.
    """
    if not folder.is_dir():
        raise AbreastError(f"{folder}: no such model folder")
    digest = sha256()
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        content = sha256(path.read_bytes()).hexdigest()
        digest.update(f"{path.relative_to(folder).as_posix()}\0{content}\n".encode())
    return digest.hexdigest()


def verify(folder: Path, digest: str) -> None:
    """Check that `folder` is the model with that digest.

    Raises:
        AbreastError: it is not.
    """
    if (found := model_digest(folder)) != digest:
        raise AbreastError(f"{folder}: its content is {found[:12]}, expected {digest[:12]}: changed or damaged")
