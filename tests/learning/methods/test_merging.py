"""`average`, `interpolate`, `ties`, `dare` and `reptile`: the resulting weights equal the formula."""

from types import SimpleNamespace

import pytest
import torch

from abreast.learning.methods import make_methods
from tests.learning.methods.linear_run import move, run_of


def make(method: str, **knobs):
    return make_methods([{"method": method, **knobs}])[0]


def scores(*found: tuple[float, float]):
    """A development set that gives these scores, one after the other."""
    rest = iter(found)
    return lambda: SimpleNamespace(**dict(zip(("exact", "loss"), next(rest), strict=True)))


GOOD = ((1.0, 0.1), (1.0, 0.2))
WORSE = ((1.0, 0.1), (0.9, 0.0))
W = torch.tensor([1.0, -2.0, 3.0, 0.5])
CHANGE = torch.tensor([0.5, 4.0, -1.0, 0.1])


def moved_run(**more):
    run = run_of({"w": W}, **more)
    move(run, {"w": CHANGE})
    return run


def walk(run, method, steps):
    """Take steps of 1, 2, 3, ..."""
    for step in range(steps):
        run.steps = step
        move(run, {"w": torch.full((4,), step + 1.0)})
        method.on_step_end(run)


@pytest.mark.parametrize(("decay", "wanted"), [(1.0, (1 + 3 + 6 + 10) / 4), (0.5, ((1 + 3) / 2 / 2 + 3) / 2 + 5)])
def test_average_is_the_plain_or_the_exponential_mean(decay, wanted):
    run, method = run_of({"w": W}), make("average", decay=decay)
    walk(run, method, 4)
    torch.testing.assert_close(run.state["average/w"], W + wanted)
    torch.testing.assert_close(method.eval_weights(run)["w"], W + wanted)
    torch.testing.assert_close(run.parameters["w"].detach(), W + 10)


def test_average_may_start_later_or_never():
    run, method = run_of({"w": W}), make("average", decay=1.0, after=2)
    walk(run, method, 4)
    torch.testing.assert_close(run.state["average/w"], W + (6 + 10) / 2)
    run, method = run_of({"w": W}), make("average", after=9)
    walk(run, method, 4)
    torch.testing.assert_close(method.eval_weights(run)["w"], W + 10)


@pytest.mark.parametrize("method", ["ties", "dare"])
def test_merged_weights_are_dropped_if_the_development_set_gets_worse(method):
    run = moved_run()
    make(method).on_train_end(run, scores(*WORSE))
    assert torch.equal(run.parameters["w"].detach(), W + CHANGE)


@pytest.mark.parametrize(
    ("found", "share"),
    [
        (((0.9, 0.1), (1.0, 0.3), (1.0, 0.2), (0.5, 0.0)), 0.5),
        (((1.0, 0.1), (1.0, 0.1), (1.0, 0.2), (0.5, 0.0)), 1.0),
        (((0.0, 0.1), (0.0, 0.1), (0.0, 0.2), (0.1, 0.9)), 0.25),
    ],
)
def test_interpolate_takes_the_best_share_of_its_grid(found, share):
    run = moved_run()
    make("interpolate", parts=4).on_train_end(run, scores(*found))
    torch.testing.assert_close(run.parameters["w"].detach(), W + share * CHANGE)


def test_ties_trims_elects_signs_and_averages_what_agrees():
    run = moved_run()
    make("ties", density=0.75).on_train_end(run, scores(*GOOD))
    # parent [1, -2, 3, 0.5], candidate [1.5, 2, 2, 0.6]; trimmed to three each: the 0.5 and the 0.6 go.
    # Signs by total mass: +, + (a tie of -2 and 2 is +), +. So: (1 + 1.5) / 2, 2, (3 + 2) / 2, 0.
    torch.testing.assert_close(run.parameters["w"].detach(), torch.tensor([1.25, 2.0, 2.5, 0.0]))


def test_dare_drops_changes_and_scales_up_the_rest():
    run = run_of({"w": torch.zeros(20_000), "v": W})
    move(run, {"w": torch.full((20_000,), 0.3), "v": CHANGE})
    make("dare", density=0.75).on_train_end(run, scores(*GOOD))
    made = run.parameters["w"].detach()
    kept = made != 0
    torch.testing.assert_close(made[kept], torch.full_like(made[kept], 0.3 / 0.75))
    assert kept.float().mean().item() == pytest.approx(0.75, abs=0.02)
    change = run.parameters["v"].detach() - W
    assert all(c == 0 or c == pytest.approx(w / 0.75) for c, w in zip(change.tolist(), CHANGE.tolist(), strict=True))


def test_dare_draws_the_same_again_and_leaves_the_global_generator_alone():
    made = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        run = moved_run()
        make("dare", density=0.5).on_train_end(run, scores(*GOOD))
        made.append(run.parameters["w"].detach())
        after = torch.rand(1)
        torch.manual_seed(seed)
        assert torch.equal(after, torch.rand(1))
    assert torch.equal(*made)


@pytest.mark.parametrize("method", ["interpolate", "ties", "dare"])
def test_a_first_training_is_not_merged(method):
    run = moved_run(parent=False)
    make(method).on_train_end(run, None)
    assert torch.equal(run.parameters["w"].detach(), W + CHANGE)


def test_reptile_moves_slow_weights_toward_the_fast_ones():
    run, method = run_of({"w": W}), make("reptile", every=2, rate=0.25)
    walk(run, method, 1)
    torch.testing.assert_close(run.parameters["w"].detach(), W + 1)
    run, method = run_of({"w": W}), make("reptile", every=2, rate=0.25)
    walk(run, method, 4)
    first = 0.25 * (1 + 2)
    torch.testing.assert_close(run.parameters["w"].detach(), W + first + 0.25 * (3 + 4))
    torch.testing.assert_close(run.state["reptile/w"], W + first + 0.25 * (3 + 4))
