"""Answers of experts: the question alone decides which expert answers."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from abreast.core.settings import Evaluate
from abreast.dataset.examples import Question
from abreast.inference.predictor import Predictor
from abreast.learning.backbone.cached_backbone import CachedBackbone
from abreast.learning.backbone.prompt_tokenizer import PromptTokenizer
from abreast.learning.experts.cached_router import CachedRouter
from abreast.learning.experts.expert_set import read_expert_set
from abreast.learning.experts.routed_backbone import AdapterSwitch, RoutedBackbone


def expert_adapters(folder: Path, name: str) -> dict[str, Path]:
    """The folders of the experts of a model called `name`, by adapter name."""
    expert_set, _ = read_expert_set(folder)
    return {f"{name}_{expert}": folder / expert for expert in expert_set.experts}


class RoutedPredictor(Predictor):
    """One base and several experts behind their router.

    Args:
        model: PEFT's model with the experts, under the names that `expert_adapters` gives them.
        folder: the model folder.
        name: the name of the model.
        backbone: runs texts under whatever adapter is active.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        prompt_tokenizer: PromptTokenizer,
        folder: Path,
        name: str,
        backbone: CachedBackbone,
        limits: Evaluate,
        base_digest: str,
    ):
        expert_set, router = read_expert_set(folder)
        self._domains = {f"{name}_{expert}": domain for expert, domain in expert_set.experts.items()}
        cached_router = CachedRouter(backbone, prompt_tokenizer, self._domains, router)
        routed = RoutedBackbone(backbone, AdapterSwitch(model, {}), cached_router)
        first = next(iter(self._domains))
        super().__init__(model, tokenizer, prompt_tokenizer, first, routed, limits, base_digest)

    def perplexity(self, text: str) -> float:
        """The highest perplexity of all experts, since nothing decides which expert would read the text."""
        found = []
        for expert in self._domains:
            with self._backbone.using_expert(expert):
                found.append(super().perplexity(text))
        return max(found)

    def domains(self, questions: Sequence[str]) -> list[str | None]:
        """The domain of the expert for each question."""
        texts = [self._prompt_tokenizer.tokenize_prompt(question) for question in questions]
        return [self._domains[expert] for expert in self._backbone.router.route(texts)]

    def routed_correctly(self, questions: Sequence[Question], domains: Sequence[str | None]) -> list[bool | None]:
        """Whether each question went to the expert of its domain; None if there is no such expert.

        Args:
            domains: as `domains` gives them.
        """
        known = set(self._domains.values())
        expected = [question.domain or None for question in questions]
        return [found == own if own in known else None for own, found in zip(expected, domains, strict=True)]
