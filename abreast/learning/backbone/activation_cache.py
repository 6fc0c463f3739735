"""A cache of what the frozen base computes for each text."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

from torch import Tensor

from abreast.learning.backbone.protocols import TokenizedText

CHUNK_TOKENS = 512
"""Texts of one shape are computed together, up to this many tokens."""


@dataclass(frozen=True)
class CachedActivations:
    """What the frozen base computes for one text.

    Attributes:
        states: output of the lower layers from `activation_index` on [active tokens, width].
        past: keys and values of the top layers before it [layers, 2, heads, inactive tokens, head width].
        prompt_mean: mean of the last hidden states before it [width]; zero if there are none.
    """

    states: Tensor
    past: Tensor
    prompt_mean: Tensor


def shape_of(text: TokenizedText) -> tuple[int, int, tuple[int, ...]]:
    """A sort key: length, activation index, token ids."""
    return len(text.ids), text.activation_index, text.ids


class ActivationCache:
    """Computes the activations of planned texts on first use, in chunks of texts of one shape.

    The chunks depend on the planned texts alone, so results do not depend on the order of use.

    Args:
        compute: computes the activations of texts of one length and one activation index.
    """

    def __init__(self, compute: Callable[[Sequence[TokenizedText]], list[CachedActivations]]):
        self._compute = compute
        self._chunk_of: dict[TokenizedText, tuple[TokenizedText, ...]] = {}
        self.computed: dict[TokenizedText, CachedActivations] = {}

    def divide(self, texts: Sequence[TokenizedText]) -> None:
        """Divide different texts, sorted by `shape_of`, into chunks."""
        for (length, *_), group in groupby(texts, key=lambda text: shape_of(text)[:2]):
            same, size = list(group), max(1, CHUNK_TOKENS // length)
            for start in range(0, len(same), size):
                chunk = tuple(same[start : start + size])
                self._chunk_of |= dict.fromkeys(chunk, chunk)

    def __contains__(self, text: TokenizedText) -> bool:
        return text in self._chunk_of

    def __getitem__(self, text: TokenizedText) -> CachedActivations:
        if text not in self.computed:
            chunk = self._chunk_of[text]
            self.computed |= zip(chunk, self._compute(chunk), strict=True)
        return self.computed[text]
