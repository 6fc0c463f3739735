"""What was kept of a head to which rows were added since."""

from torch import Tensor
from torch.nn.functional import pad


def grown(kept: Tensor, like: Tensor) -> Tensor:
    """What was kept for the first rows of `like`, with zeros for those behind them."""
    return pad(kept, [0] * (2 * kept.dim() - 1) + [len(like) - len(kept)]).to(like.device)
