"""What holds for every method: it can be killed, it still learns, and its knobs are checked."""

import inspect
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from abreast.core.errors import AbreastError
from abreast.learning.methods import METHODS, make_strategies
from abreast.services.services import Services
from tests.learning.methods.line import make_run, train, weights

MILD = {
    "anchor": {"weight": 0.01},
    "locality": {"weight": 0.01},
    "distil": {"weight": 0.01},
    "ewc": {"weight": 0.1, "lessons": 2},
    "l2": {"weight": 0.001},
    "orthogonal": {"weight": 0.001},
    "fgm": {"norm": 0.05},
    "pgd": {"norm": 0.05, "step": 0.03, "steps": 2},
    "average": {"decay": 0.5},
    "reptile": {"every": 2, "rate": 0.9},
    "ties": {"density": 0.9},
    "dare": {"density": 0.9},
}
NEXT = {"a": "8.3", "b": "2.7", "e": "6.6"}
SHORT = {"epochs": 5}


class KilledError(Exception):
    pass


def strategies(method: str) -> list:
    return make_strategies([{"method": method, **MILD.get(method, {})}])


@pytest.fixture(scope="module")
def parent(tiny_base, tmp_path_factory):
    """Weights of a first training, and what methods that remember left."""
    run = make_run(tiny_base)
    train(run, [*strategies("ewc"), *strategies("orthogonal")], tmp_path_factory.mktemp("parent"), **SHORT)
    return weights(run), run.legacy


def trained(tiny_base, parent, method, folder: Path, report=lambda share, note: None):
    run = make_run(tiny_base, *parent, facts=NEXT)
    outcome = train(run, strategies(method), folder, report, **SHORT)
    return weights(run) | {f"legacy {name}": value for name, value in run.legacy.items()}, outcome


def killed_and_whole(tiny_base, parent, method, folder: Path, step: int) -> None:
    """A training that is killed before the checkpoint of a step, and goes on, ends as one that was left alone."""
    whole, outcome = trained(tiny_base, parent, method, folder / "whole")
    steps = []

    def count(share, note):
        steps.extend([note] if note.startswith("epoch") else [])

    def kill(share, note):
        count(share, note)
        if len(steps) == step:
            raise KilledError

    with pytest.raises(KilledError):
        trained(tiny_base, parent, method, folder / "killed", kill)
    steps.clear()
    resumed, again = trained(tiny_base, parent, method, folder / "killed", count)
    assert len(steps) == outcome.steps - step + 1, "it went on from the last checkpoint"
    assert again == outcome
    assert resumed.keys() == whole.keys()
    assert all(torch.equal(resumed[name], whole[name]) for name in whole)


@pytest.mark.parametrize("method", METHODS)
def test_a_killed_training_goes_on_to_the_same_bits(tiny_base, parent, method, tmp_path):
    killed_and_whole(tiny_base, parent, method, tmp_path, 6)


@pytest.mark.parametrize("step", [2, 9, 10])
def test_it_may_be_killed_at_any_step_also_in_the_last_epoch(tiny_base, parent, step, tmp_path):
    killed_and_whole(tiny_base, parent, "average", tmp_path, step)


class Dies:
    def end(self, run, score):
        raise KilledError


def test_one_that_was_killed_while_it_merged_merges_again(tiny_base, parent, tmp_path):
    whole, _ = trained(tiny_base, parent, "interpolate", tmp_path / "whole")
    with pytest.raises(KilledError):
        run = make_run(tiny_base, *parent, facts=NEXT)
        train(run, [*strategies("interpolate"), Dies()], tmp_path / "killed", **SHORT)
    resumed, _ = trained(tiny_base, parent, "interpolate", tmp_path / "killed")
    assert all(torch.equal(resumed[name], whole[name]) for name in whole)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_still_learns(tiny_base, parent, method, tmp_path):
    run = make_run(tiny_base, *parent, facts=NEXT)
    outcome = train(run, strategies(method), tmp_path)
    assert outcome.best[0] == 1.0
    logits, targets, _ = run.trunk.logits(run.examples)
    assert torch.equal(logits.argmax(-1), targets), "also with the weights that are left in the model"


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        (
            [{"method": "ewc"}, {"method": "l3"}],
            r"train\.regularizers\[1\]\.method is 'l3'; known are anchor, average, ",
        ),
        ([{"weight": 1.0}], r"train\.regularizers\[0\]\.method is None; known are "),
        (
            [{"method": "l2"}, {"method": "ewc"}, {"method": "l2"}],
            r"remember\[2\]\.method: l2 is listed already, as .*\[0\]",
        ),
        ([{"method": "ewc"}, {"method": "l2", "wieght": 1.0}], r"remember\[1\]\.wieght: .*; l2 has the knobs weight$"),
        ([{"method": "distil", "teacher": "aunt"}], r"remember\[0\]\.teacher: Input should be 'base' or 'parent'"),
        ([{"method": "ties", "density": 1.5}], r"remember\[0\]\.density: Input should be less than 1"),
        ([{"method": "pgd", "steps": "3"}], r"remember\[0\]\.steps: Input should be a valid integer"),
    ],
)
def test_what_no_method_takes_is_refused_by_its_path(chosen, message):
    with pytest.raises(AbreastError, match=message) as refusal:
        make_strategies(chosen)
    assert "\n" not in str(refusal.value)


def test_methods_alone_are_checked_without_torch():
    program = (
        "import sys; from abreast.learning.methods import check_methods; check_methods([{'method': 'ewc'}]); "
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_project_with_an_unknown_method_is_not_opened(tmp_path):
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    (tmp_path / "params.yaml").write_text("train:\n  remember:\n    - {method: l3}\n")
    with pytest.raises(AbreastError, match=r"train\.regularizers\[0\]\.method is 'l3'"):
        Services.open(tmp_path)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_is_short_cites_its_paper_and_has_defaults(method):
    (strategy,) = make_strategies([{"method": method}])
    source = Path(inspect.getfile(type(strategy))).read_text()
    assert len(source.splitlines()) < 60
    assert "arXiv:" in source.split('"""')[1]
    assert strategy.Knobs.model_config["frozen"]
