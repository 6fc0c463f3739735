"""The hooks of a training method: a method is a class with a `Knobs` model and any of these hooks."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from abreast.dataset.examples import Example
from abreast.learning.backbone.prompt_tokenizer import PromptTokenizer, TokenizedExample
from abreast.learning.backbone.protocols import Backbone
from abreast.learning.method_registry import Knobs as Knobs


@dataclass
class TrainingRun:
    """A training, as its methods see it.

    Attributes:
        backbone: runs texts under the candidate's adapter, or without one inside `backbone.adapter_disabled()`.
        tokenizer: turns questions and answers, or any text, into token ids.
        parameters: the trainable parameters by name.
        start: their values at the start of training: the parent's, or those of a fresh adapter.
        has_parent: whether there is a parent.
        examples: the tokenized examples; empty until all `map_examples` hooks have run.
        keys: for each of `examples` the key of its record.
        inherited_state: tensors by name that the methods of the parent's training left for this one.
        carried_state: tensors by name that go into the model folder, for the next update.
        state: tensors by name that change during training; checkpoints keep them.
        steps: the number of steps done.
        share: the share of the training that is done, by the epochs or tokens allowed.
        experts: for each of `examples` the name of the expert that learns it; empty with a single adapter.
    """

    backbone: Backbone
    tokenizer: PromptTokenizer
    parameters: dict[str, torch.nn.Parameter]
    has_parent: bool
    examples: Sequence[TokenizedExample] = ()
    keys: Sequence[str] = ()
    start: dict[str, Tensor] = field(init=False)
    inherited_state: dict[str, Tensor] = field(default_factory=dict)
    carried_state: dict[str, Tensor] = field(default_factory=dict)
    state: dict[str, Tensor] = field(default_factory=dict)
    steps: int = 0
    share: float = 0.0
    experts: Sequence[str] = ()

    def __post_init__(self) -> None:
        self.start = self.weights()

    def weights(self) -> dict[str, Tensor]:
        """A copy of the parameters as they are now."""
        return {name: p.detach().clone() for name, p in self.parameters.items()}

    @torch.no_grad()
    def put(self, weights: Mapping[str, Tensor]) -> None:
        """Copy weights into the model."""
        for name, parameter in self.parameters.items():
            parameter.copy_(weights[name])


@dataclass(frozen=True)
class TrainingStep:
    """One forward pass.

    Attributes:
        texts: the examples of the batch, then the texts that methods added.
        example_count: the number of examples among `texts`.
        hidden: the last hidden states [n, width] from which each target of `texts` is predicted.
        targets: these targets [n].
        owner: the number of the text of each [n].
        losses: the loss of each target of the examples [targets of examples].
    """

    texts: Sequence[TokenizedExample]
    example_count: int
    hidden: Tensor
    targets: Tensor
    owner: Tensor
    losses: Tensor

    def rows(self, text: TokenizedExample) -> Tensor:
        """Which rows of `hidden` belong to a text that a method added: a mask [n]."""
        number = self.example_count + list(self.texts[self.example_count :]).index(text)
        return self.owner == number


@runtime_checkable
class MapExamples(Protocol):
    """Replaces the examples before they are tokenized.

    The parent's weights are in place. The hook runs again when a killed training resumes.
    """

    def map_examples(self, run: TrainingRun, examples: Sequence[Example]) -> Sequence[Example]: ...


@runtime_checkable
class OnTrainBegin(Protocol):
    """Prepares the first step; runs again when a killed training resumes, and must then have the same result."""

    def on_train_begin(self, run: TrainingRun) -> None: ...


@runtime_checkable
class ExtraBatch(Protocol):
    """Adds texts to a batch; they are run, but they are not examples."""

    def extra_batch(self, run: TrainingRun) -> Sequence[TokenizedExample]: ...


@runtime_checkable
class ExtraLoss(Protocol):
    """Adds a term to the loss."""

    def extra_loss(self, run: TrainingRun, step: TrainingStep) -> Tensor: ...


@runtime_checkable
class AfterBackward(Protocol):
    """Runs the batch again after the backward pass, such as on perturbed input, and adds to the gradients.

    `input_gradients` [examples, length, width] is the gradient of the input of the top layers. `loss_at(perturbation)`
    is the mean loss of the examples with the perturbation added to that input.
    """

    def after_backward(
        self, run: TrainingRun, input_gradients: Tensor, loss_at: Callable[[Tensor], Tensor]
    ) -> None: ...


@runtime_checkable
class OnStepEnd(Protocol):
    """Acts after each optimizer step, while the gradients still exist."""

    def on_step_end(self, run: TrainingRun) -> None: ...


@runtime_checkable
class EvalWeights(Protocol):
    """Gives the weights to evaluate, and to keep if they are the best, in place of the last ones."""

    def eval_weights(self, run: TrainingRun) -> Mapping[str, Tensor]: ...


@runtime_checkable
class OnTrainEnd(Protocol):
    """Acts after training, with the best weights in place; `score()` evaluates the development set."""

    def on_train_end(self, run: TrainingRun, score: Callable[[], Any]) -> None: ...
