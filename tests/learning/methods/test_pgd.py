import torch

from abreast.learning.methods.fgm import along
from abreast.learning.methods.pgd import PGD, inside

GRADIENT = torch.tensor([[[3.0, 0.0], [0.0, 4.0]], [[0.0, 0.0], [1e-3, 0.0]]])


def shifts_of(loss, **knobs) -> list[torch.Tensor]:
    seen = []
    PGD(PGD.Knobs(**knobs)).repeat(None, GRADIENT, lambda s: seen.append(s.detach().clone()) or loss(s))
    return seen


def test_steps_go_along_the_gradient_and_never_leave_the_ball():
    weight = torch.nn.Parameter(torch.tensor([1.0, 0.0]))
    seen = shifts_of(lambda s: (s * weight).sum(), norm=1.0, step=0.4, steps=4)
    torch.testing.assert_close(seen[0], along(GRADIENT, 0.4))
    slope = torch.tensor([1.0, 0.0]).expand(2, 2, 2)
    torch.testing.assert_close(seen[1], inside(seen[0] + along(slope, 0.4), 1.0))
    torch.testing.assert_close(seen[3], inside(seen[2] + along(slope, 0.4), 1.0))
    assert len(seen) == 4
    assert all(size <= 1.0 + 1e-6 for shift in seen for size in shift.flatten(1).norm(dim=1))


def test_only_the_last_shift_adds_to_the_gradients():
    weight = torch.nn.Parameter(torch.tensor([1.0, 2.0]))
    weight.grad = torch.tensor([10.0, 20.0])
    seen = shifts_of(lambda s: (s * weight).sum(), steps=3, weight=2.0)
    torch.testing.assert_close(weight.grad, torch.tensor([10.0, 20.0]) + 2 * seen[-1].sum((0, 1)))


def test_one_step_within_the_ball_is_fgms():
    (only,) = shifts_of(lambda s: s.sum() * torch.ones((), requires_grad=True), norm=1.0, step=0.5, steps=1)
    torch.testing.assert_close(only, along(GRADIENT, 0.5))


def test_what_is_inside_the_ball_stays():
    shift = torch.tensor([[[0.3, 0.4]], [[3.0, 4.0]]])
    torch.testing.assert_close(inside(shift, 1.0), torch.tensor([[[0.3, 0.4]], [[0.6, 0.8]]]))
