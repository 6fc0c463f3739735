"""Old names of knobs: each is refused with its new name."""

import pytest

from abreast.core.errors import AbreastError
from abreast.core.renamed_knobs import RENAMED, RENAMED_VALUES, refuse_old_names, with_new_names
from abreast.core.settings import all_knobs, parse_params


def at(path, value):
    """`value` at a path: gates and regularizers are lists."""
    for name in reversed(path.split(".")):
        value = {name: [value] if name in ("gates", "regularizers") else value}
    return value


@pytest.mark.parametrize("path", RENAMED)
def test_an_old_knob_is_refused_with_its_new_name(path):
    section, _, _ = path.rpartition(".")
    now = f"{section}.{RENAMED[path]}"
    if section != "train.regularizers":  # the knobs of a method are its own
        assert now in all_knobs() and path not in all_knobs()
    shown = [name.replace("gates.", "gates.0.").replace("regularizers.", "regularizers.0.") for name in (path, now)]
    with pytest.raises(AbreastError) as refusal:
        parse_params(at(path, None))
    assert str(refusal.value) == f"params.yaml: knob `{shown[0]}` is now called `{shown[1]}`"


@pytest.mark.parametrize(("path", "old"), RENAMED_VALUES)
def test_an_old_value_is_refused_with_its_new_name(path, old):
    with pytest.raises(AbreastError) as refusal:
        parse_params(at(path, old))
    shown = path.replace("gates.", "gates.0.").replace("regularizers.", "regularizers.0.")
    new = RENAMED_VALUES[path, old]
    assert str(refusal.value) == f"params.yaml: knob `{shown}`: the value {old!r} is now called {new!r}"


def test_all_old_names_are_named_at_once_and_below_an_old_name_too():
    old = {"train": {"clip": 1.0, "remember": [{"method": "self"}]}, "evaluate": {"early": {"stop": ["fail"]}}}
    with pytest.raises(AbreastError) as refusal:
        refuse_old_names(old, "mine.yaml")
    assert str(refusal.value).split("; ") == [
        "mine.yaml: knob `train.clip` is now called `train.max_grad_norm`",
        "knob `train.remember` is now called `train.regularizers`",
        "knob `train.regularizers.0.method`: the value 'self' is now called 'self_distillation'",
        "knob `evaluate.early` is now called `evaluate.early_stopping`",
        "knob `evaluate.early_stopping.stop` is now called `evaluate.early_stopping.verdicts`",
    ]


def test_what_an_older_version_wrote_is_read_under_the_names_of_today():
    written = {"adapt": {"method": "lora"}, "layers": 2, "base": "b"}
    assert with_new_names("train", written) == {"peft": {"method": "lora"}, "top_layers": 2, "base": "b"}
