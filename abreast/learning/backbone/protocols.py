"""What the training loop, the development set and the strategies speak to, whatever kind of model it is.

A trunk turns texts into hidden states, a head turns these into something that is said: of a causal language model its
vocabulary (`cached_backbone`, `lm_head`), of an encoder labels, tags, numbers and masked words (`learning.encoder`).
What the targets are is the head's own affair; their first dimension is n.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import torch
from torch import Tensor

Scores = tuple[Tensor, Tensor]
"""What a head said at n positions, as far as it is kept: scores [n, k], and what each is the score of [n, k]."""


class Text(Protocol):
    """A text as token ids: `Encoded` or `Marked`. An adapter is awake in it from `wake` on."""

    @property
    def ids(self) -> tuple[int, ...]: ...

    @property
    def wake(self) -> int: ...


class Head(Protocol):
    """What is said after hidden states [n, width].

    Attributes:
        parameters: those of its own that are trained, by name.
    """

    @property
    def parameters(self) -> Mapping[str, torch.nn.Parameter]: ...

    def losses(self, hidden: Tensor, targets: Tensor) -> Tensor:
        """The loss [n] of each target: a negative log-likelihood in nats, of a number its squared error."""
        ...

    def ask(self, hidden: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Whether each target is what is said [n], and its loss [n]."""
        ...

    def sure(self, losses: Tensor, targets: Tensor, share: float) -> Tensor:
        """Whether each target, with that loss, is said with a probability above `share` [n]."""
        ...

    def draw(self, hidden: Tensor, targets: Tensor, chance: torch.Generator) -> Tensor:
        """Targets drawn from what the head itself says, of the same kinds as `targets`."""
        ...

    def hear(self, hidden: Tensor, targets: Tensor, top: int) -> Scores:
        """What is said, as far as its `top` likeliest are kept."""
        ...

    def agrees(self, heard: Scores, targets: Tensor) -> Tensor:
        """Whether each target is what was heard [n]."""
        ...

    def divergence(self, hidden: Tensor, targets: Tensor, heard: Scores, temperature: float = 1.0) -> Tensor:
        """How far what is said lies from what was heard [n], as `abreast.learning.backbone.divergence.divergence`."""
        ...

    def narrowed(self, trunk: Any, texts: Sequence[Any]) -> "Head | Any":
        """What gives `losses` for these lessons at less cost; the head itself where nothing is saved."""
        ...


class Trunk(Protocol):
    """Runs texts under the adapter that is active; see `abreast.learning.backbone.cached_backbone.Trunk`."""

    model: Any
    head: Head

    def plan(self, texts: Sequence[Any]) -> None: ...

    def completions(self, texts: Sequence[Any], shift: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor]: ...

    def shift(self, texts: Sequence[Any]) -> Tensor: ...

    def asleep(self) -> AbstractContextManager: ...

    def dropout(self, seed: int) -> AbstractContextManager: ...
