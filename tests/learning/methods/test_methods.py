"""Holds for every method: a killed training resumes, the model still learns, and knobs are checked."""

import inspect
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from abreast.core.errors import AbreastError
from abreast.learning.methods import METHODS, make_methods
from abreast.services.services import Services
from tests.learning.methods.tiny_training import make_run, train, weights

MILD = {
    "anchor": {"weight": 0.01},
    "locality": {"weight": 0.01},
    "distil": {"weight": 0.01},
    "ewc": {"weight": 0.1, "examples": 2},
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


def methods_of(method: str) -> list:
    return make_methods([{"method": method, **MILD.get(method, {})}])


@pytest.fixture(scope="module")
def parent(tiny_base, tmp_path_factory):
    """Weights of a first training, and the state that its methods carried over."""
    run = make_run(tiny_base)
    train(run, [*methods_of("ewc"), *methods_of("orthogonal")], tmp_path_factory.mktemp("parent"), **SHORT)
    return weights(run), run.carried_state


EACH_STEP = {"checkpoint_seconds": 0.0}


def trained(tiny_base, parent, method, folder: Path, report=lambda share, note: None, **knobs):
    run = make_run(tiny_base, *parent, facts=NEXT)
    result = train(run, methods_of(method), folder, report, **SHORT, **knobs)
    return weights(run) | {f"carried {name}": value for name, value in run.carried_state.items()}, result


def killed_and_whole(tiny_base, parent, method, folder: Path, step: int) -> None:
    """A training that is killed before the checkpoint of a step, and goes on, ends as one that was left alone."""
    whole, result = trained(tiny_base, parent, method, folder / "whole")
    steps = []

    def count(share, note):
        steps.extend([note] if note.startswith("epoch") else [])

    def kill(share, note):
        count(share, note)
        if len(steps) == step:
            raise KilledError

    with pytest.raises(KilledError):
        trained(tiny_base, parent, method, folder / "killed", kill, **EACH_STEP)
    steps.clear()
    resumed, again = trained(tiny_base, parent, method, folder / "killed", count)
    assert len(steps) == result.steps - step + 1, "it went on from the last checkpoint"
    assert again == result
    assert resumed.keys() == whole.keys()
    assert all(torch.equal(resumed[name], whole[name]) for name in whole)


@pytest.mark.parametrize("method", METHODS)
def test_a_killed_training_resumes_to_the_same_bits(tiny_base, parent, method, tmp_path):
    killed_and_whole(tiny_base, parent, method, tmp_path, 6)


@pytest.mark.parametrize("step", [2, 9, 10])
def test_it_may_be_killed_at_any_step_also_in_the_last_epoch(tiny_base, parent, step, tmp_path):
    killed_and_whole(tiny_base, parent, "average", tmp_path, step)


class Dies:
    def on_train_end(self, run, score):
        raise KilledError


def test_a_training_killed_while_merging_merges_again(tiny_base, parent, tmp_path):
    whole, _ = trained(tiny_base, parent, "interpolate", tmp_path / "whole")
    with pytest.raises(KilledError):
        run = make_run(tiny_base, *parent, facts=NEXT)
        train(run, [*methods_of("interpolate"), Dies()], tmp_path / "killed", **SHORT, **EACH_STEP)
    resumed, _ = trained(tiny_base, parent, "interpolate", tmp_path / "killed")
    assert all(torch.equal(resumed[name], whole[name]) for name in whole)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_still_learns(tiny_base, parent, method, tmp_path):
    run = make_run(tiny_base, *parent, facts=NEXT)
    result = train(run, methods_of(method), tmp_path)
    assert result.best[0] == 1.0
    logits, targets, _ = run.backbone.logits(run.examples)
    assert torch.equal(logits.argmax(-1), targets), "also with the weights that stay in the model"


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        (
            [{"method": "ewc"}, {"method": "l3"}],
            r"train\.regularizers\[1\]\.method is 'l3'; choose from anchor, average, ",
        ),
        ([{"weight": 1.0}], r"train\.regularizers\[0\]\.method is None; choose from "),
        (
            [{"method": "l2"}, {"method": "ewc"}, {"method": "l2"}],
            r"regularizers\[2\]\.method: l2 is listed already, as .*\[0\]",
        ),
        (
            [{"method": "ewc"}, {"method": "l2", "wieght": 1.0}],
            r"regularizers\[1\]\.wieght: .*; l2 has the knobs weight$",
        ),
        ([{"method": "distil", "teacher": "aunt"}], r"regularizers\[0\]\.teacher: Input should be 'base' or 'parent'"),
        ([{"method": "ties", "density": 1.5}], r"regularizers\[0\]\.density: Input should be less than 1"),
        ([{"method": "pgd", "steps": "3"}], r"regularizers\[0\]\.steps: Input should be a valid integer"),
    ],
)
def test_wrong_knobs_are_refused_by_their_path(chosen, message):
    with pytest.raises(AbreastError, match=message) as refusal:
        make_methods(chosen)
    assert "\n" not in str(refusal.value)


def test_methods_alone_are_checked_without_torch():
    program = (
        "import sys; from abreast.learning.methods import check_methods; check_methods([{'method': 'ewc'}]); "
        "assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_project_with_an_unknown_method_is_not_opened(tmp_path):
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    (tmp_path / "params.yaml").write_text("train:\n  regularizers:\n    - {method: l3}\n")
    with pytest.raises(AbreastError, match=r"train\.regularizers\[0\]\.method is 'l3'"):
        Services.open(tmp_path)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_is_short_cites_its_paper_and_has_defaults(method):
    (instance,) = make_methods([{"method": method}])
    source = Path(inspect.getfile(type(instance))).read_text()
    assert len(source.splitlines()) < 60
    assert "arXiv:" in source.split('"""')[1]
    assert instance.Knobs.model_config["frozen"]
