"""Pads the saved state of a head whose rows were extended since."""

from torch import Tensor
from torch.nn.functional import pad


def pad_rows(saved: Tensor, like: Tensor) -> Tensor:
    """`saved`, which has the first rows of `like`, with zeros for the rows behind them."""
    return pad(saved, [0] * (2 * saved.dim() - 1) + [len(like) - len(saved)]).to(like.device)
