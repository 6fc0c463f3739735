import pytest
import torch

from abreast.learning.methods.l2 import L2
from tests.learning.methods.linear_run import STEP, move, run_of


@pytest.mark.parametrize(("parent", "wanted"), [(True, 0.5 / 2 * (0.3**2 + 0.4**2 + 1.0)), (False, 0.0)])
def test_half_the_squared_distance_to_the_parent(parent, wanted):
    run = run_of({"v": torch.ones(2), "w": torch.zeros(1)}, parent=parent)
    l2 = L2(L2.Knobs(weight=0.5))
    assert l2.extra_loss(run, STEP) == 0
    move(run, {"v": torch.tensor([0.3, -0.4]), "w": torch.tensor([1.0])})
    assert l2.extra_loss(run, STEP).item() == pytest.approx(wanted)
