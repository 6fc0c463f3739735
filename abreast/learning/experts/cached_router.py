"""Routes each text to an expert by its prompt, and remembers the choice."""

from collections.abc import Mapping, Sequence

from abreast.learning.backbone.cached_backbone import CachedBackbone
from abreast.learning.backbone.prompt_tokenizer import PromptTokenizer, TokenizedExample
from abreast.learning.experts.router import Router


class CachedRouter:
    """Routes texts to experts.

    Raw text has no question, so its prompt says nothing about its domain: it goes to the shared expert.

    Args:
        backbone: reads prompts, with all experts disabled.
        experts: the domain of each expert by its name, in the router's order; None is the shared expert.
    """

    def __init__(
        self,
        backbone: CachedBackbone,
        prompt_tokenizer: PromptTokenizer,
        experts: Mapping[str, str | None],
        router: Router,
    ):
        self._backbone, self._names, self._router = backbone, list(experts), router
        shared = next((name for name, domain in experts.items() if domain is None), self._names[0])
        empty = prompt_tokenizer.tokenize_prompt("")
        self._routes = {empty.ids[: empty.activation_index]: shared}

    def route(self, texts: Sequence[TokenizedExample]) -> list[str]:
        """The name of the expert of each text."""
        prompts = [text.ids[: text.activation_index] for text in texts]
        new = {prompt: text for prompt, text in zip(prompts, texts, strict=True) if prompt not in self._routes}
        if new:
            chosen = self._router.nearest(self._backbone.prompt_means(list(new.values())))
            self._routes |= zip(new, (self._names[number] for number in chosen), strict=True)
        return [self._routes[prompt] for prompt in prompts]
