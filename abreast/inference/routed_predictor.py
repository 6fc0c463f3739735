"""Answers from experts: which one answers is told by the question alone."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from abreast.core.settings import Evaluate
from abreast.dataset.examples import Question
from abreast.inference.predictor import Answerer
from abreast.learning.backbone.cached_backbone import Trunk
from abreast.learning.backbone.prompt_tokenizer import Encoded, Encoder
from abreast.learning.experts.cached_router import Desk
from abreast.learning.experts.folder import read_panel
from abreast.learning.experts.routed_backbone import ByExpert, Voices


def voices_of(folder: Path, name: str) -> dict[str, Path]:
    """The adapter names of the experts of a model called `name`, and the folder of each."""
    panel, _ = read_panel(folder)
    return {f"{name}_{expert}": folder / expert for expert in panel.experts}


class Panel(Answerer):
    """One base and several experts behind their router.

    Args:
        model: PEFT's model that holds the experts under the names that `voices_of` gives them.
        folder: the model folder.
        name: what the model is called.
        trunk: runs texts under whatever adapter is active.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        encoder: Encoder,
        folder: Path,
        name: str,
        trunk: Trunk,
        limits: Evaluate,
        base_digest: str,
    ):
        panel, router = read_panel(folder)
        self._domains = {f"{name}_{expert}": domain for expert, domain in panel.experts.items()}
        by_expert = ByExpert(trunk, Voices(model, {}), Desk(trunk, encoder, self._domains, router))
        first = next(iter(self._domains))
        super().__init__(model, tokenizer, encoder, first, by_expert, limits, base_digest)

    def perplexity(self, text: str) -> float:
        """Of the expert that foresees the text worst: nothing tells which one it would be put to."""
        found = []
        for expert in self._domains:
            with self._trunk.only(expert):
                found.append(super().perplexity(text))
        return max(found)

    def domains(self, questions: Sequence[str]) -> list[str | None]:
        """The domain of the expert that each question is sent to."""
        prompts = [self._encoder.question(question) for question in questions]
        texts = [Encoded(prompt, len(prompt), self._encoder.asleep(len(prompt))) for prompt in prompts]
        return [self._domains[expert] for expert in self._trunk.desk.send(texts)]

    def rightly_sent(self, questions: Sequence[Question], domains: Sequence[str | None]) -> list[bool | None]:
        """Whether each question went to the expert of its domain, which is there; None where it is not."""
        known = set(self._domains.values())
        wanted = [question.domain or None for question in questions]
        return [said == right if right in known else None for right, said in zip(wanted, domains, strict=True)]
