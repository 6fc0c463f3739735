"""Rows of token ids padded on the left, with their masks and positions."""

from collections.abc import Sequence

import torch
from torch import Tensor


def left_padded(sequences: Sequence[Sequence[int]], device: torch.device) -> Tensor:
    """Token ids [rows, longest], padded with zeros."""
    longest = max(map(len, sequences))
    return torch.tensor([[0] * (longest - len(s)) + list(s) for s in sequences], device=device, dtype=torch.long)


def left_padding_mask(lengths: Sequence[int], device: torch.device) -> Tensor:
    """Mask [rows, longest]: 1 for tokens, 0 for padding."""
    longest = max(lengths)
    start = torch.tensor([longest - n for n in lengths], device=device).unsqueeze(1)
    return (torch.arange(longest, device=device).unsqueeze(0) >= start).long()


def positions(mask: Tensor, first: Tensor | int = 0) -> Tensor:
    """Position ids [rows, longest] of left-padded rows, counted from `first`."""
    return (mask.cumsum(1) - 1 + first).clamp(min=0)
