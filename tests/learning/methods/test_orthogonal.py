import pytest
import torch

from abreast.learning.methods.orthogonal import Orthogonal, overlap, strongest
from tests.learning.methods.linear_run import STEP, move, run_of

A, B = "q.lora_A.candidate.weight", "q.lora_B.candidate.weight"
EAST, NORTH = torch.tensor([[2.0, 0, 0, 0, 0, 0]]), torch.tensor([[0, 3.0, 0, 0, 0, 0]])


def started(inherited_state=None, start=None, weight=0.5, **more):
    run = run_of({A: EAST if start is None else start, B: torch.zeros(6, 1)}, inherited_state=inherited_state, **more)
    method = Orthogonal(Orthogonal.Knobs(weight=weight))
    method.on_train_begin(run)
    return run, method


def test_only_changes_inside_the_earlier_subspace_are_penalised():
    run, method = started({f"orthogonal/{A}": torch.cat([EAST, NORTH])})
    move(run, {A: torch.tensor([[0, 0, 0, 5.0, 0, -1.0]]), B: torch.ones(6, 1)})
    assert method.extra_loss(run, STEP) == 0
    move(run, {A: torch.tensor([[0.3, -0.4, 0, 0, 0, 0]])})
    assert method.extra_loss(run, STEP).item() == pytest.approx(0.5 * (0.3**2 + 0.4**2))


def test_the_overlap_is_the_sum_of_squared_inner_products_with_unit_directions():
    rows, directions = torch.tensor([[1.0, 2.0], [3.0, 4.0]]), torch.tensor([[0.0, 7.0]])
    assert overlap(rows, directions).item() == pytest.approx(2.0**2 + 4.0**2)
    turned = torch.linalg.qr(torch.randn(5, 5, generator=torch.Generator().manual_seed(0)))[0]
    assert overlap(turned[:2], turned[2:]).item() == pytest.approx(0.0, abs=1e-10)


def test_a_first_training_carries_its_a_and_an_update_adds_its_change():
    run, method = started(parent=False)
    assert method.extra_loss(run, STEP) == 0
    method.on_train_end(run, None)
    torch.testing.assert_close(run.carried_state[f"orthogonal/{A}"].abs(), EAST)
    run, method = started(run.carried_state)
    move(run, {A: NORTH})
    method.on_train_end(run, None)
    torch.testing.assert_close(run.carried_state[f"orthogonal/{A}"].abs(), torch.cat([NORTH, EAST]))
    assert set(run.carried_state) == {f"orthogonal/{A}"}


def test_a_parent_without_carried_state_counts_with_its_own_a():
    run, method = started()
    move(run, {A: torch.tensor([[0.1, 0, 0, 0, 0, 0]])})
    assert method.extra_loss(run, STEP).item() == pytest.approx(0.5 * 0.1**2, rel=1e-4)


def test_the_strongest_directions_are_kept_up_to_half_the_width():
    rows = torch.diag(torch.tensor([1.0, 5.0, 3.0, 2.0, 4.0, 6.0]))
    assert strongest(rows, 64).norm(dim=1).tolist() == pytest.approx([6.0, 5.0, 4.0])
    assert strongest(rows, 2).norm(dim=1).tolist() == pytest.approx([6.0, 5.0])
