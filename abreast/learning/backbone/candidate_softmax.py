"""A loss over the tokens that matter instead of the whole vocabulary, which costs as much as many layers.

The shortlist holds every token of every answer that is taught, and the tokens that the model itself would rather say
where those answers belong; the rest of the vocabulary was no competitor to begin with. After the candidate lists of
Jean et al. 2015 (arXiv:1412.2007). Whatever is reported is measured over the whole vocabulary.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, linear

from abreast.learning.backbone.prompt_tokenizer import Encoded

if TYPE_CHECKING:
    from abreast.learning.backbone.cached_backbone import Trunk

LIKELY = 64
SAMPLE = 64


class Shortlist:
    """Cross-entropy over the shortlist for `texts`, made with the weights that `trunk.model` has now."""

    def __init__(self, trunk: "Trunk", texts: Sequence[Encoded]):
        head = trunk.model.get_output_embeddings()
        tokens = {token for text in texts for token in text.completion} | _likely(trunk, texts)
        size = head.weight.shape[0]
        if 2 * len(tokens) > size:
            tokens = set(range(size))
        kept = torch.tensor(sorted(tokens), device=head.weight.device, dtype=torch.long)
        self._rows = head.weight.detach()[kept]
        bias = getattr(head, "bias", None)
        self._bias = None if bias is None else bias.detach()[kept]
        self._place = torch.full((size,), -1, device=kept.device).scatter_(0, kept, torch.arange(len(kept)).to(kept))

    def __len__(self) -> int:
        return self._rows.shape[0]

    def losses(self, hidden: Tensor, targets: Tensor) -> Tensor:
        """The loss [N] of each target [N] after the hidden states [N, width]."""
        logits = linear(hidden, self._rows, self._bias)
        return cross_entropy(logits.float(), self._place[targets], reduction="none")


@torch.no_grad()
def _likely(trunk: "Trunk", texts: Sequence[Encoded]) -> set[int]:
    """The likeliest tokens at the completions of some texts, spread over all of them."""
    some = texts[:: max(1, len(texts) // SAMPLE)][:SAMPLE]
    likely: set[int] = set()
    for start in range(0, len(some), 16):
        logits, _, _ = trunk.logits(some[start : start + 16])
        likely |= set(logits.topk(min(LIKELY, logits.shape[-1])).indices.flatten().tolist())
    return likely
