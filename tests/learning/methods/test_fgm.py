import torch

from abreast.learning.methods.fgm import FGM, scaled_to_norm
from tests.learning.methods.tiny_training import make_run, step_of

GRADIENT = torch.tensor([[[3.0, 0.0], [0.0, 4.0]], [[0.0, 0.0], [1e-3, 0.0]]])


def test_the_step_has_the_given_norm_and_the_direction_of_the_gradient():
    step = scaled_to_norm(GRADIENT, 0.5)
    torch.testing.assert_close(step.flatten(1).norm(dim=1), torch.tensor([0.5, 0.5]))
    torch.testing.assert_close(step[0], GRADIENT[0] / 10)
    torch.testing.assert_close(step[1], GRADIENT[1] * 500)
    assert scaled_to_norm(torch.zeros(1, 2, 2), 0.5).tolist() == [[[0.0, 0.0], [0.0, 0.0]]]


def test_the_gradients_add_up():
    weight = torch.nn.Parameter(torch.tensor([1.0, 2.0]))
    weight.grad = torch.tensor([10.0, 20.0])
    seen = []
    FGM(FGM.Knobs(norm=0.5, weight=2.0)).after_backward(None, GRADIENT, lambda s: seen.append(s) or (s * weight).sum())
    assert torch.equal(seen[0], scaled_to_norm(GRADIENT, 0.5))
    torch.testing.assert_close(weight.grad, torch.tensor([10.0, 20.0]) + 2 * seen[0].sum((0, 1)))


def test_the_perturbed_batch_has_a_higher_loss(tiny_base):
    run = make_run(tiny_base)
    perturbation = run.backbone.input_perturbation(run.examples)
    hidden, targets, _ = run.backbone.completion_states(run.examples, perturbation)
    head, entropy = run.backbone.model.get_output_embeddings(), torch.nn.functional.cross_entropy
    plain = entropy(head(hidden), targets)
    plain.backward()

    def loss(perturbation):
        hidden, targets, _ = run.backbone.completion_states(run.examples, perturbation)
        return entropy(head(hidden), targets)

    torch.testing.assert_close(plain, step_of(run).losses.mean())
    assert loss(scaled_to_norm(perturbation.grad, 0.1)) > plain > loss(scaled_to_norm(perturbation.grad, -0.1))
