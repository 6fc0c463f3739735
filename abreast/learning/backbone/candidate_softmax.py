"""A cross-entropy over candidate tokens instead of the whole vocabulary, which costs as much as many layers.

The candidates are all tokens of the answers, and the tokens that the model itself finds most likely in their place; no
other token competes with them. After the candidate lists of Jean et al. 2015 (arXiv:1412.2007). Reported losses are
always over the whole vocabulary.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, linear

from abreast.learning.backbone.prompt_tokenizer import TokenizedExample
from abreast.learning.backbone.protocols import Backbone

LIKELY_TOKENS = 64
SAMPLED_TEXTS = 64
BATCH = 16


class CandidateSoftmax:
    """Cross-entropy over the candidates for `texts`, chosen with the weights that `backbone.model` has now."""

    def __init__(self, backbone: Backbone, texts: Sequence[TokenizedExample]):
        head = backbone.model.get_output_embeddings()
        tokens = {token for text in texts for token in text.completion} | _likely_tokens(backbone, texts)
        size = head.weight.shape[0]
        if 2 * len(tokens) > size:
            tokens = set(range(size))
        candidates = torch.tensor(sorted(tokens), device=head.weight.device, dtype=torch.long)
        self._rows = head.weight.detach()[candidates]
        bias = getattr(head, "bias", None)
        self._bias = None if bias is None else bias.detach()[candidates]
        numbers = torch.arange(len(candidates)).to(candidates)
        self._row_of_token = torch.full((size,), -1, device=candidates.device).scatter_(0, candidates, numbers)

    def __len__(self) -> int:
        return self._rows.shape[0]

    def losses(self, hidden: Tensor, targets: Tensor) -> Tensor:
        """The loss [n] of each target [n] after the hidden states [n, width]."""
        logits = linear(hidden, self._rows, self._bias)
        return cross_entropy(logits.float(), self._row_of_token[targets], reduction="none")


@torch.no_grad()
def _likely_tokens(backbone: Backbone, texts: Sequence[TokenizedExample]) -> set[int]:
    """The most likely tokens at the completions of some texts, spread evenly over all of them."""
    some = texts[:: max(1, len(texts) // SAMPLED_TEXTS)][:SAMPLED_TEXTS]
    likely: set[int] = set()
    for start in range(0, len(some), BATCH):
        hidden, _, _ = backbone.completion_states(some[start : start + BATCH])
        logits = backbone.model.get_output_embeddings()(hidden)
        likely |= set(logits.topk(min(LIKELY_TOKENS, logits.shape[-1])).indices.flatten().tolist())
    return likely
