"""The top-k logits of a teacher, recorded once, so that no second model is needed."""

from collections.abc import Sequence

import torch

from abreast.learning.backbone.protocols import Backbone, TokenizedText, TopKLogits

BATCH = 16


class TeacherLogits:
    """The top-k logits of a model, with its weights of now, at each target of `texts`.

    They take 12 bytes for each token kept, where the whole vocabulary of a small model takes 200 kB a position.
    Divergences are over the tokens that are kept.
    """

    @torch.no_grad()
    def __init__(self, backbone: Backbone, texts: Sequence[TokenizedText], top_k: int):
        self._logits: dict[TokenizedText, TopKLogits] = {}
        self._is_exact: dict[TokenizedText, bool] = {}
        unique = sorted(set(texts), key=lambda text: (len(text.ids), text.ids))
        for batch in (unique[start : start + BATCH] for start in range(0, len(unique), BATCH)):
            hidden, targets, owner = backbone.completion_states(batch)
            scores, classes = backbone.head.top_k_logits(hidden, targets, top_k)
            matches = backbone.head.matches((scores, classes), targets)
            for row, text in enumerate(batch):
                self._logits[text] = scores[owner == row], classes[owner == row]
                self._is_exact[text] = bool(matches[owner == row].all())

    def logits_of(self, texts: Sequence[TokenizedText]) -> TopKLogits:
        """Logits and classes [n, k] at the targets of `texts`, in their order."""
        scores, classes = zip(*(self._logits[text] for text in texts), strict=True)
        return torch.cat(scores), torch.cat(classes)

    def is_exact(self, text: TokenizedText) -> bool:
        """Whether every target of a text is the teacher's own prediction."""
        return self._is_exact[text]
