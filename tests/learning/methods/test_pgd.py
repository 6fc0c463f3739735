import torch

from abreast.learning.methods.fgm import scaled_to_norm
from abreast.learning.methods.pgd import PGD, project_onto_ball

GRADIENT = torch.tensor([[[3.0, 0.0], [0.0, 4.0]], [[0.0, 0.0], [1e-3, 0.0]]])


def perturbations_of(loss, **knobs) -> list[torch.Tensor]:
    seen = []
    PGD(PGD.Knobs(**knobs)).after_backward(None, GRADIENT, lambda s: seen.append(s.detach().clone()) or loss(s))
    return seen


def test_steps_follow_the_gradient_and_stay_in_the_ball():
    weight = torch.nn.Parameter(torch.tensor([1.0, 0.0]))
    seen = perturbations_of(lambda s: (s * weight).sum(), norm=1.0, step=0.4, steps=4)
    torch.testing.assert_close(seen[0], scaled_to_norm(GRADIENT, 0.4))
    slope = torch.tensor([1.0, 0.0]).expand(2, 2, 2)
    torch.testing.assert_close(seen[1], project_onto_ball(seen[0] + scaled_to_norm(slope, 0.4), 1.0))
    torch.testing.assert_close(seen[3], project_onto_ball(seen[2] + scaled_to_norm(slope, 0.4), 1.0))
    assert len(seen) == 4
    assert all(size <= 1.0 + 1e-6 for perturbation in seen for size in perturbation.flatten(1).norm(dim=1))


def test_only_the_last_perturbation_adds_to_the_gradients():
    weight = torch.nn.Parameter(torch.tensor([1.0, 2.0]))
    weight.grad = torch.tensor([10.0, 20.0])
    seen = perturbations_of(lambda s: (s * weight).sum(), steps=3, weight=2.0)
    torch.testing.assert_close(weight.grad, torch.tensor([10.0, 20.0]) + 2 * seen[-1].sum((0, 1)))


def test_one_step_inside_the_ball_equals_fgm():
    (only,) = perturbations_of(lambda s: s.sum() * torch.ones((), requires_grad=True), norm=1.0, step=0.5, steps=1)
    torch.testing.assert_close(only, scaled_to_norm(GRADIENT, 0.5))


def test_perturbations_inside_the_ball_do_not_change():
    perturbation = torch.tensor([[[0.3, 0.4]], [[3.0, 4.0]]])
    torch.testing.assert_close(project_onto_ball(perturbation, 1.0), torch.tensor([[[0.3, 0.4]], [[0.6, 0.8]]]))
