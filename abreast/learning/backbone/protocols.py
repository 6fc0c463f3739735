"""What the trainer, the development set and the methods use of a model, whatever its kind.

A backbone turns texts into hidden states, a head predicts targets from these. The head of a causal language model
predicts tokens (`cached_backbone`, `lm_head`); that of an encoder labels, tags, numbers and masked tokens
(`abreast.learning.encoder`). Each head has targets of its own; their first dimension is n.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from typing import Any, Protocol

import torch
from torch import Tensor

TopKLogits = tuple[Tensor, Tensor]
"""The k highest logits at n positions [n, k], and the class of each [n, k]."""


class TokenizedText(Protocol):
    """A text as token ids: `TokenizedExample` or `LabelledExample`. An adapter is active from `activation_index` on."""

    @property
    def ids(self) -> tuple[int, ...]: ...

    @property
    def activation_index(self) -> int: ...


class Head(Protocol):
    """Predicts targets from hidden states [n, width].

    Attributes:
        parameters: its own trainable parameters by name.
    """

    @property
    def parameters(self) -> Mapping[str, torch.nn.Parameter]: ...

    def losses(self, hidden: Tensor, targets: Tensor) -> Tensor:
        """The loss [n] of each target: its negative log-likelihood in nats; of a number the squared error."""
        ...

    def score(self, hidden: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Whether each target is the prediction [n], and its loss [n]."""
        ...

    def is_confident(self, losses: Tensor, targets: Tensor, probability: float) -> Tensor:
        """Whether each target, with that loss, has more than that probability [n]."""
        ...

    def sample(self, hidden: Tensor, targets: Tensor, generator: torch.Generator) -> Tensor:
        """Targets of the same kinds as `targets`, sampled from the head's own distribution."""
        ...

    def top_k_logits(self, hidden: Tensor, targets: Tensor, top_k: int) -> TopKLogits:
        """The top-k logits at each position."""
        ...

    def matches(self, teacher: TopKLogits, targets: Tensor) -> Tensor:
        """Whether each target is the teacher's prediction [n]."""
        ...

    def divergence(self, hidden: Tensor, targets: Tensor, teacher: TopKLogits, temperature: float = 1.0) -> Tensor:
        """The divergence from the teacher [n], as `abreast.learning.backbone.divergence.divergence`."""
        ...

    def restrict_to(self, backbone: "Backbone", texts: Sequence[Any]) -> "Head | Any":
        """A cheaper substitute with `losses` for these texts alone; the head itself if there is none."""
        ...


class Backbone(Protocol):
    """Runs texts under the active adapter; see `abreast.learning.backbone.cached_backbone.CachedBackbone`."""

    model: Any
    head: Head

    def precompute(self, texts: Sequence[Any]) -> None: ...

    def completion_states(
        self, texts: Sequence[Any], perturbation: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]: ...

    def input_perturbation(self, texts: Sequence[Any]) -> Tensor: ...

    def adapter_disabled(self) -> AbstractContextManager: ...

    def dropout(self, seed: int) -> AbstractContextManager: ...
