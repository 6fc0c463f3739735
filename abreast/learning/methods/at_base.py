"""What `anchor` and `locality` hold a model to: the hidden states that its untrained base has on some texts."""

from collections.abc import Sequence

import torch
from torch import Tensor

from abreast.learning.backbone.prompt_tokenizer import Encoded
from abreast.learning.methods import protocol


class AtBase:
    """Texts, and the base's hidden states on each, which are worked out once."""

    @torch.no_grad()
    def __init__(self, run: protocol.Run, texts: Sequence[Encoded]):
        run.trunk.plan(texts)
        with run.trunk.asleep():
            self._states = {text: run.trunk.completions([text])[0].clone() for text in texts}

    def drift(self, step: protocol.Step, texts: Sequence[Encoded]) -> Tensor:
        """The squared distance to the base's states on texts that were added to the step, over their own square."""
        states = torch.cat([self._states[text] for text in texts])
        own = torch.cat([step.hidden[step.rows(text)] for text in texts])
        return (own - states).square().sum() / states.square().sum()
