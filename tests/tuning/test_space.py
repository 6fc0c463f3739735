import json
from pathlib import Path

import optuna
import pytest
import yaml

from abreast.core.errors import AbreastError
from abreast.core.settings import Params, load_params, parse_params
from abreast.tuning.space import SECTIONS, lay_over, read_space
from abreast.tuning.tune import PREPARED, SPACES
from tests.installation import SOURCE

PARAMS = Params()
STAGES = yaml.safe_load((SOURCE / "dvc.yaml").read_text())["stages"]


def space_of(tmp_path: Path, text: str):
    path = tmp_path / "space.yaml"
    path.write_text(text)
    return read_space(path, PARAMS)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("train.learning_rate: [1, 2]", r"train\.learning_rate: unknown knob `train\.learning_rate`"),
        ("train.epoch: [1, 2]", r"unknown knob `train\.epoch` \(did you mean `train\.epochs`\?\)"),
        ("split.seed: [1, 2]", r"`split\.seed` is no knob of model or train"),
        ("train.lr: {low: 1e-2, high: 1e-4}", r"train\.lr: .*low must be less"),
        ("train.lr: {low: 0, high: 1, log: true}", r"train\.lr: .*needs a low above 0"),
        ("train.lr: {low: 0.0, high: 0.1}", r"knob `train\.lr` is 0\.0: input should be greater than 0"),
        ("train.lr: {low: 1e-4, hihg: 1e-2}", r"train\.lr: (high|hihg)"),
        ("train.epochs: {low: 2.0, high: 8.0}", r"train\.epochs: knob `train\.epochs` is 2\.0"),
        ("train.epochs: {low: 2, high: 8, step: 0.5}", r"train\.epochs: .*it must be whole"),
        ("train.layers: [6, ten]", r"train\.layers: knob `train\.layers` is 'ten'"),
        ("train.layers: [6]", r"train\.layers: .*two values or more"),
        ("train.layers: 6", r"train\.layers: .*two values or more"),
        ("train.remember: [[{method: anker}], []]", r"train\.remember\[0\]\.method is 'anker'"),
        ("train.adapt.rnk: [4, 8]", r"train\.adapt\.rnk: .*lora has the knobs rank"),
        ("train.adapt.rank: {low: 0, high: 8}", r"train\.adapt\.rank"),
        ("train.remember.0.wieght: [1.0, 2.0]", r"train\.remember\[0\]\.wieght"),
        ("train.remember.7.weight: [1.0, 2.0]", r"unknown knob `train\.remember\.7\.weight`"),
        ("- train.lr", "expected lines such as"),
        ("", "expected lines such as"),
        ("train.lr: {low: [", "not valid YAML"),
    ],
)
def test_a_bad_space_is_refused_with_the_knob(tmp_path, text, said):
    with pytest.raises(AbreastError, match=r"space\.yaml: |train\.remember|train\.adapt") as refused:
        space_of(tmp_path, text)
    assert refused.match(said)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(AbreastError, match=r"none\.yaml: no such file"):
        read_space(tmp_path / "none.yaml", PARAMS)


def test_a_trial_has_values_of_every_range_readable_and_of_its_type(tmp_path):
    space = space_of(
        tmp_path,
        "train.lr: {low: 1e-4, high: 1e-2, log: true}\n"
        "train.epochs: {low: 4, high: 16, step: 4}\n"
        "train.layers: [6, 8]\n"
        "train.remember: [[], [{method: anchor, weight: 1.5}]]\n",
    )
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    tried = [space.suggest(study.ask()) for _ in range(30)]
    assert all(1e-4 <= knobs["train.lr"] <= 1e-2 and len(f"{knobs['train.lr']:g}") < 10 for knobs in tried)
    assert {knobs["train.epochs"] for knobs in tried} == {4, 8, 12, 16}
    assert {type(knobs["train.epochs"]) for knobs in tried} == {int}
    assert {knobs["train.layers"] for knobs in tried} == {6, 8}
    assert [{"method": "anchor", "weight": 1.5}] in [knobs["train.remember"] for knobs in tried]
    for knobs in tried:
        parse_params(lay_over(PARAMS, knobs))


def test_what_is_laid_over_replaces_only_itself():
    laid = lay_over(PARAMS, {"train.lr": 0.5, "train.remember.0.weight": 9.0})
    assert laid["train"]["lr"] == 0.5
    assert laid["train"]["remember"] == [{"method": "anchor", "weight": 9.0}, *PARAMS.train.remember[1:]]
    assert (
        laid["train"] | {"lr": PARAMS.train.lr, "remember": list(PARAMS.train.remember)}
        == (PARAMS.model_dump(mode="json")["train"])
    )


def test_the_present_knobs_are_known_where_the_space_holds_them(tmp_path):
    assert space_of(tmp_path, "train.lr: {low: 1e-3, high: 1e-2}\ntrain.epochs: [8, 16]").present(PARAMS) == {
        "train.lr": 0.003,
        "train.epochs": 8,
    }
    remembered = json.dumps(PARAMS.train.remember)
    assert space_of(tmp_path, f"train.remember: [[], {remembered}]").present(PARAMS) == {"train.remember": remembered}
    assert space_of(tmp_path, "train.lr: {low: 1e-1, high: 1}").present(PARAMS) is None
    assert space_of(tmp_path, "train.epochs: {low: 2, high: 20, step: 4}").present(PARAMS) is None


@pytest.mark.parametrize("name", ["first.yaml", "update.yaml"])
def test_the_spaces_that_are_shipped_hold_the_knobs_that_are_shipped(name):
    params = load_params(SOURCE)
    assert read_space(SPACES / name, params).present(params)


def test_what_can_be_searched_is_what_the_training_reads():
    assert sorted(STAGES["train"]["params"]) == sorted(SECTIONS)


def test_studies_are_told_apart_by_all_that_the_stages_up_to_the_training_read():
    read = [
        section for name in ("assemble", "validate", "split", "train") for section in STAGES[name].get("params", [])
    ]
    assert sorted(read) == sorted(PREPARED)
