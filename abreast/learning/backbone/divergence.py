"""The divergence of a student's distribution from that of its teacher."""

from torch import Tensor


def divergence(student: Tensor, teacher: Tensor, temperature: float = 1.0) -> Tensor:
    """KL(teacher, student) of logits [n, k] at each of n positions, times T squared, so that gradients keep their size.

    Kullback and Leibler 1951; the temperature as in Hinton et al. 2015 (arXiv:1503.02531).
    """
    expected, found = ((logits / temperature).log_softmax(-1) for logits in (teacher, student))
    return temperature**2 * (expected.exp() * (expected - found)).sum(-1)
