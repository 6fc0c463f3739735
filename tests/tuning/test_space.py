import json
from pathlib import Path

import optuna
import pytest
import yaml

from abreast.core.errors import AbreastError
from abreast.core.settings import Params, load_params, parse_params
from abreast.tuning.space import SECTIONS, override, read_space
from abreast.tuning.tune import SECTIONS_READ, SPACES
from tests.installation import SOURCE

pytestmark = pytest.mark.model  # a space is checked by the methods that it names
PARAMS = Params()
STAGES = yaml.safe_load((SOURCE / "dvc.yaml").read_text())["stages"]


def space_of(tmp_path: Path, text: str):
    path = tmp_path / "space.yaml"
    path.write_text(text)
    return read_space(path, PARAMS)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("train.step_size: [1, 2]", r"train\.step_size: unknown knob `train\.step_size`"),
        ("train.epoch: [1, 2]", r"unknown knob `train\.epoch` \(did you mean `train\.epochs`\?\)"),
        ("split.seed: [1, 2]", r"`split\.seed` is no knob of model or train"),
        ("train.learning_rate: {low: 1e-2, high: 1e-4}", r"train\.learning_rate: .*low must be less"),
        ("train.learning_rate: {low: 0, high: 1, log: true}", r"train\.learning_rate: .*needs a low above 0"),
        (
            "train.learning_rate: {low: 0.0, high: 0.1}",
            r"knob `train\.learning_rate` is 0\.0: input should be greater than 0",
        ),
        ("train.learning_rate: {low: 1e-4, hihg: 1e-2}", r"train\.learning_rate: (high|hihg)"),
        ("train.epochs: {low: 2.0, high: 8.0}", r"train\.epochs: knob `train\.epochs` is 2\.0"),
        ("train.epochs: {low: 2, high: 8, step: 0.5}", r"train\.epochs: .*it must be whole"),
        ("train.top_layers: [6, ten]", r"train\.top_layers: knob `train\.top_layers` is 'ten'"),
        ("train.top_layers: [6]", r"train\.top_layers: .*at least two values"),
        ("train.top_layers: 6", r"train\.top_layers: .*at least two values"),
        ("train.regularizers: [[{method: anker}], []]", r"train\.regularizers\[0\]\.method is 'anker'"),
        ("train.peft.rnk: [4, 8]", r"train\.peft\.rnk: .*lora has the knobs rank"),
        ("train.peft.rank: {low: 0, high: 8}", r"train\.peft\.rank"),
        ("train.regularizers.0.wieght: [1.0, 2.0]", r"train\.regularizers\[0\]\.wieght"),
        ("train.regularizers.7.weight: [1.0, 2.0]", r"unknown knob `train\.regularizers\.7\.weight`"),
        ("train.clip: [0.5, 1.0]", r"knob `train\.clip` is now called `train\.max_grad_norm`"),
        ("train.adapt.rank: [8, 16]", r"knob `train\.adapt` is now called `train\.peft`"),
        ("train.regularizers.0.method: [self, anchor]", r"`train\.regularizers\.0\.method`: the value 'self' is now"),
        ("- train.learning_rate", "expected lines such as"),
        ("", "expected lines such as"),
        ("train.learning_rate: {low: [", "not valid YAML"),
    ],
)
def test_a_bad_space_is_refused_with_the_knob(tmp_path, text, message):
    with pytest.raises(AbreastError, match=r"space\.yaml: |train\.regularizers|train\.peft") as refused:
        space_of(tmp_path, text)
    assert refused.match(message)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(AbreastError, match=r"none\.yaml: no such file"):
        read_space(tmp_path / "none.yaml", PARAMS)


def test_a_trial_has_values_of_every_range_readable_and_of_its_type(tmp_path):
    space = space_of(
        tmp_path,
        "train.learning_rate: {low: 1e-4, high: 1e-2, log: true}\n"
        "train.epochs: {low: 4, high: 16, step: 4}\n"
        "train.top_layers: [6, 8]\n"
        "train.regularizers: [[], [{method: anchor, weight: 1.5}]]\n",
    )
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    suggested = [space.suggest(study.ask()) for _ in range(30)]
    assert all(
        1e-4 <= knobs["train.learning_rate"] <= 1e-2 and len(f"{knobs['train.learning_rate']:g}") < 10
        for knobs in suggested
    )
    assert {knobs["train.epochs"] for knobs in suggested} == {4, 8, 12, 16}
    assert {type(knobs["train.epochs"]) for knobs in suggested} == {int}
    assert {knobs["train.top_layers"] for knobs in suggested} == {6, 8}
    assert [{"method": "anchor", "weight": 1.5}] in [knobs["train.regularizers"] for knobs in suggested]
    for knobs in suggested:
        parse_params(override(PARAMS, knobs))


def test_an_override_replaces_only_its_own_knob():
    overridden = override(PARAMS, {"train.learning_rate": 0.5, "train.regularizers.0.weight": 9.0})
    assert overridden["train"]["learning_rate"] == 0.5
    assert overridden["train"]["regularizers"] == [{"method": "anchor", "weight": 9.0}, *PARAMS.train.regularizers[1:]]
    assert (
        overridden["train"]
        | {"learning_rate": PARAMS.train.learning_rate, "regularizers": list(PARAMS.train.regularizers)}
        == (PARAMS.model_dump(mode="json")["train"])
    )


def test_the_current_knobs_are_found_where_the_space_contains_them(tmp_path):
    assert space_of(tmp_path, "train.learning_rate: {low: 1e-3, high: 1e-2}\ntrain.epochs: [8, 16]").current(
        PARAMS
    ) == {
        "train.learning_rate": 0.003,
        "train.epochs": 8,
    }
    regularizers = json.dumps(PARAMS.train.regularizers)
    assert space_of(tmp_path, f"train.regularizers: [[], {regularizers}]").current(PARAMS) == {
        "train.regularizers": regularizers
    }
    assert space_of(tmp_path, "train.learning_rate: {low: 1e-1, high: 1}").current(PARAMS) is None
    assert space_of(tmp_path, "train.epochs: {low: 2, high: 20, step: 4}").current(PARAMS) is None


@pytest.mark.parametrize("name", ["space_first_model.yaml", "space_update.yaml"])
def test_the_shipped_spaces_contain_the_shipped_knobs(name):
    params = load_params(SOURCE)
    assert read_space(SPACES / name, params).current(params)


def test_the_sections_that_can_be_searched_are_those_that_train_reads():
    assert sorted(STAGES["train"]["params"]) == sorted(SECTIONS)


def test_studies_differ_by_all_sections_that_the_stages_up_to_train_read():
    read = [
        section for name in ("assemble", "validate", "split", "train") for section in STAGES[name].get("params", [])
    ]
    assert sorted(read) == sorted(SECTIONS_READ)
