"""A run without a language model: two weights, and a linear layer whose output is the logits."""

import torch
from torch import Tensor

from abreast.learning.backbone.lm_head import LMHead
from abreast.learning.backbone.prompt_tokenizer import TokenizedExample
from abreast.learning.methods.protocol import TrainingRun, TrainingStep


class LinearBackbone:
    """Each text is one token; it is predicted by a softmax over `head @ (x * weight)`."""

    def __init__(self, weight: Tensor, x: Tensor, head: Tensor):
        self.weight, self.x = weight, x
        self.head = LMHead(lambda hidden: hidden @ head.T)

    def completion_states(self, texts: list[TokenizedExample]) -> tuple[Tensor, Tensor, Tensor]:
        hidden = (self.x * self.weight).expand(len(texts), -1)
        return hidden, torch.tensor([text.completion[0] for text in texts]), torch.arange(len(texts))


def run_of(
    parameters: dict[str, torch.Tensor],
    parent: bool = True,
    inherited_state: dict[str, Tensor] | None = None,
    **more: object,
) -> TrainingRun:
    own = {name: torch.nn.Parameter(value.clone()) for name, value in parameters.items()}
    backbone = more.get("backbone") or (lambda own: None)
    return TrainingRun(
        backbone(own),
        None,
        own,
        parent,
        more.get("examples", [TokenizedExample((0, 1), 1, 0)]),
        inherited_state=inherited_state or {},
    )


def move(run: TrainingRun, changes: dict[str, Tensor]) -> None:
    with torch.no_grad():
        for name, change in changes.items():
            run.parameters[name] += change


STEP = TrainingStep([], 0, torch.zeros(0), torch.zeros(0), torch.zeros(0), torch.zeros(1))
