"""What a way to remember may do: a strategy is a class with a `Knobs` model and whichever of these hooks it needs."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor

from abreast.dataset.examples import Example
from abreast.learning.backbone.prompt_tokenizer import Encoded, Encoder
from abreast.learning.backbone.protocols import Trunk
from abreast.learning.method import Knobs as Knobs


@dataclass
class Run:
    """A training, as its strategies see it.

    Attributes:
        trunk: runs texts under the candidate's adapter, or under none inside `trunk.asleep()`.
        encoder: puts questions and answers, or any text, into token ids.
        parameters: what is trained, by name.
        start: their values when training began: the parent's, or those of a fresh adapter.
        parent: whether there is a parent.
        examples: what is taught; empty as long as it may still be rewritten.
        keys: for each of `examples` the key of its record.
        memory: what the strategies of the parent's training left for this one; those of this one write `legacy`.
        legacy: tensors by name that go into the model folder, for the next update.
        state: tensors by name that change while training goes on; they are kept in its checkpoints.
        steps: steps done.
        share: the share of the training that is done, of the epochs or tokens allowed.
        experts: for each of `examples` the name of the expert that learns it; empty where one adapter learns all.
    """

    trunk: Trunk
    encoder: Encoder
    parameters: dict[str, torch.nn.Parameter]
    parent: bool
    examples: Sequence[Encoded] = ()
    keys: Sequence[str] = ()
    start: dict[str, Tensor] = field(init=False)
    memory: dict[str, Tensor] = field(default_factory=dict)
    legacy: dict[str, Tensor] = field(default_factory=dict)
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
        """Put weights into the model."""
        for name, parameter in self.parameters.items():
            parameter.copy_(weights[name])


@dataclass(frozen=True)
class Step:
    """One forward pass.

    Attributes:
        texts: the lessons of the batch, then what strategies added.
        lessons: how many of `texts` are lessons.
        hidden: the last hidden states [n, width] from which each completion token of `texts` is predicted.
        targets: these tokens [n].
        owner: which text each is of [n].
        losses: the cross-entropy of the lessons' tokens [tokens of lessons].
    """

    texts: Sequence[Encoded]
    lessons: int
    hidden: Tensor
    targets: Tensor
    owner: Tensor
    losses: Tensor

    def rows(self, text: Encoded) -> Tensor:
        """Which rows of `hidden` belong to a text that a strategy added."""
        place = self.lessons + list(self.texts[self.lessons :]).index(text)
        return self.owner == place


@runtime_checkable
class Rewrites(Protocol):
    """Gives what is taught instead of `lessons`; the parent's weights are in place (again after a kill, as `begin`)."""

    def rewrite(self, run: Run, lessons: Sequence[Example]) -> Sequence[Example]: ...


@runtime_checkable
class Begins(Protocol):
    """Prepares before the first step (again after a kill: it must come to the same)."""

    def begin(self, run: Run) -> None: ...


@runtime_checkable
class Adds(Protocol):
    """Puts further texts into a batch; they are run, but no lesson."""

    def texts(self, run: Run) -> Sequence[Encoded]: ...


@runtime_checkable
class Penalises(Protocol):
    """Adds a term to the loss."""

    def penalty(self, run: Run, step: Step) -> Tensor: ...


@runtime_checkable
class Repeats(Protocol):
    """Runs the batch again after its gradients are there, such as on disturbed inputs, and adds to the gradients.

    `again(shift)` gives the mean loss of the lessons with `shift` added to what the trained layers read.
    """

    def repeat(self, run: Run, inputs: Tensor, again: Callable[[Tensor], Tensor]) -> None: ...


@runtime_checkable
class Follows(Protocol):
    """Acts after each optimizer step, while the gradients are still there."""

    def follow(self, run: Run) -> None: ...


@runtime_checkable
class Offers(Protocol):
    """Gives the weights that are checked, and kept if they are the best, in place of the last ones."""

    def offer(self, run: Run) -> Mapping[str, Tensor]: ...


@runtime_checkable
class Ends(Protocol):
    """Acts when training is over and the best weights are in place; `score()` asks the development set."""

    def end(self, run: Run, score: Callable[[], Any]) -> None: ...
