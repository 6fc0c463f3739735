"""A run without a language model: two weights, and a linear layer whose output is what the model says."""

import torch
from torch import Tensor

from abreast.learning.backbone.lm_head import Vocabulary
from abreast.learning.backbone.prompt_tokenizer import Encoded
from abreast.learning.methods.protocol import Run, Step


class LinearTrunk:
    """Each text is one token; it is predicted by a softmax over `head @ (x * weight)`."""

    def __init__(self, weight: Tensor, x: Tensor, head: Tensor):
        self.weight, self.x = weight, x
        self.head = Vocabulary(lambda hidden: hidden @ head.T)

    def completions(self, texts: list[Encoded]) -> tuple[Tensor, Tensor, Tensor]:
        hidden = (self.x * self.weight).expand(len(texts), -1)
        return hidden, torch.tensor([text.completion[0] for text in texts]), torch.arange(len(texts))


def run_of(
    parameters: dict[str, torch.Tensor], parent: bool = True, memory: dict[str, Tensor] | None = None, **more: object
) -> Run:
    own = {name: torch.nn.Parameter(value.clone()) for name, value in parameters.items()}
    trunk = more.get("trunk") or (lambda own: None)
    return Run(trunk(own), None, own, parent, more.get("examples", [Encoded((0, 1), 1, 0)]), memory=memory or {})


def move(run: Run, changes: dict[str, Tensor]) -> None:
    with torch.no_grad():
        for name, change in changes.items():
            run.parameters[name] += change


STEP = Step([], 0, torch.zeros(0), torch.zeros(0), torch.zeros(0), torch.zeros(1))
