import shlex
from pathlib import Path

import pytest
from dvc.utils.hydra import apply_overrides
from ruamel.yaml import YAML

from abreast.core.settings import Params, load_params, parse_params
from abreast.tuning.results import TrialResult, dvc_command, params_yaml, rank
from abreast.tuning.space import override
from tests.installation import SOURCE

KNOBS = [
    {"train.learning_rate": 0.00213, "train.top_layers": 8},
    {"train.learning_rate": 1e-05},
    {"train.regularizers.0.weight": 1.5},
    {"train.peft.rank": 8, "train.peft.dora": True},
    {"train.peft": {"method": "ia3"}, "train.max_kl": 0.5},
    {"train.regularizers": []},
    {"train.regularizers": [{"method": "anchor", "weight": 0.5}, {"method": "distil", "teacher": "base"}]},
    {"model.prompt": "It's {question}\nA:", "model.base": "./some folder"},
]


@pytest.mark.parametrize("knobs", KNOBS)
def test_the_command_sets_these_knobs_as_dvc_reads_it(tmp_path: Path, knobs):
    path = tmp_path / "params.yaml"
    path.write_text((SOURCE / "params.yaml").read_text())
    run, *words = shlex.split(dvc_command(load_params(SOURCE), knobs))[2:]
    assert run == "run"
    assert set(words[::2]) == {"-S"}
    apply_overrides(path, words[1::2])
    assert load_params(tmp_path) == parse_params(override(load_params(SOURCE), knobs))


@pytest.mark.parametrize("knobs", KNOBS)
def test_the_lines_are_those_that_params_yaml_would_hold(knobs):
    lines = YAML(typ="safe", pure=True).load(params_yaml(Params(), knobs))
    merged = Params().model_dump(mode="json")
    for section, values in lines.items():
        merged[section] |= values
    assert parse_params(merged) == parse_params(override(Params(), knobs))


def one(number: int, outcome: str, value: float | None, tokens: int = 100) -> TrialResult:
    figures = {"dev_exact_match": value, "dev_loss": 0.1, "seconds": 1.0, "reason": "", "knobs": {}}
    return TrialResult(number=number, outcome=outcome, value=value, tokens=tokens, **figures)


def test_the_best_comes_first_then_the_cheaper_of_equals_and_failures_last():
    trials = [
        one(0, "failed", None),
        one(1, "pruned", 0.9),
        one(2, "complete", 0.8),
        one(3, "complete", 0.9, tokens=200),
        one(4, "complete", 0.9),
    ]
    assert [trial.number for trial in rank(trials)] == [4, 3, 2, 1, 0]
