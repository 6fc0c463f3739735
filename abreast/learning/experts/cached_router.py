"""The desk: which expert a text is for, told by its prompt alone."""

from collections.abc import Mapping, Sequence

from abreast.learning.backbone.cached_backbone import Trunk
from abreast.learning.backbone.prompt_tokenizer import Encoded, Encoder
from abreast.learning.experts.router import Router


class Desk:
    """Sends each text to an expert.

    Nothing is asked before raw text, so nothing could be told from its prompt: it goes to the shared expert.

    Args:
        trunk: reads prompts, with all experts asleep.
        experts: the domain of each expert by its name, in the order that the router knows them in; None is shared.
    """

    def __init__(self, trunk: Trunk, encoder: Encoder, experts: Mapping[str, str | None], router: Router):
        self._trunk, self._names, self._router = trunk, list(experts), router
        shared = next((name for name, domain in experts.items() if domain is None), self._names[0])
        unasked = encoder.question("")
        self._sent = {unasked[: encoder.asleep(len(unasked))]: shared}

    def send(self, texts: Sequence[Encoded]) -> list[str]:
        """The name of the expert of each text."""
        prompts = [text.ids[: text.wake] for text in texts]
        new = {prompt: text for prompt, text in zip(prompts, texts, strict=True) if prompt not in self._sent}
        if new:
            chosen = self._router.nearest(self._trunk.prompts(list(new.values())))
            self._sent |= zip(new, (self._names[place] for place in chosen), strict=True)
        return [self._sent[prompt] for prompt in prompts]
