"""Means over the targets of each text."""

import torch
from torch import Tensor


def mean_per_text(values: Tensor, owner: Tensor, texts: int) -> Tensor:
    """Means [texts] of values [n]; `owner` [n] is the text of each, as `CachedBackbone.completion_states` gives it."""
    return torch.zeros(texts, device=values.device).index_add_(0, owner, values) / owner.bincount(minlength=texts)
