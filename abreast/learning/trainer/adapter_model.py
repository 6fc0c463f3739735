"""What is trained: one adapter; `.experts.pupil` has several of them, `.heads.pupil` one with heads."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import torch

from abreast.core.settings import Train
from abreast.dataset.examples import Example
from abreast.learning.adapters.protocol import Accompanied, Adaptation, FromLessons
from abreast.learning.backbone.adapter import adapter_weights, add_adapter, trained_parameters
from abreast.learning.backbone.cached_backbone import Trunk
from abreast.learning.backbone.prompt_tokenizer import Encoded, Encoder
from abreast.learning.backbone.protocols import Text
from abreast.learning.methods.protocol import Run
from abreast.learning.model_folder import Candidate, Made
from abreast.learning.trainer.dev_evaluator import Development

ADAPTER = "candidate"


class Pupil(Protocol):
    """What one training trains.

    Attributes:
        trunk: runs lessons.
        encoder: turns lessons into token ids, an `Encoder` or a `Marker`.
        parameters: what learns, by name.
        strategies: what the adaptation does beside the lessons.
        lessons: those that are taught.
        fresh: whether nothing that learns has learned before.
    """

    trunk: Any
    encoder: Any
    parameters: Mapping[str, torch.nn.Parameter]
    strategies: Sequence[Any]
    lessons: list[Example]
    fresh: bool

    def development(self, new: Sequence[Text], old: Sequence[Text]) -> Development:
        """What is asked while it learns."""
        ...

    def begin(self, run: Run, taught: Sequence[Example]) -> None:
        """What is done once the lessons are known: `taught` holds the example of each text of `run.examples`."""
        ...

    def made(self, run: Run) -> Made:
        """What goes into the model folder."""
        ...


class OneAdapter:
    """One adapter, which goes on from its parent's.

    Args:
        model: the base.
        parent: the parent's model folder, if there is a parent.
    """

    def __init__(
        self,
        model: Any,
        adaptation: Adaptation,
        encoder: Encoder,
        lessons: list[Example],
        parent: Path | None,
        train: Train,
    ):
        self.lessons, self.fresh, self._adaptation, self.encoder = lessons, parent is None, adaptation, encoder
        self._settings = adaptation.settings(model, train.top_layers)
        self._adapted = add_adapter(model, self._settings, ADAPTER, parent, trainable=True)
        accompanied = isinstance(adaptation, Accompanied)
        self.strategies = adaptation.strategies(self._adapted, self.fresh) if accompanied else ()
        half = train.precision == "bfloat16"
        self.trunk = Trunk(self._adapted.get_base_model(), train.top_layers, self._adapted.disable_adapter, half)
        self.parameters = trained_parameters(self._adapted)

    def development(self, new: Sequence[Encoded], old: Sequence[Encoded]) -> Development:
        return Development(self.trunk, new, old)

    def begin(self, run: Run, taught: Sequence[Example]) -> None:
        if self.fresh and isinstance(self._adaptation, FromLessons):
            self._adaptation.start(self._adapted, self.trunk, run.examples)
            run.start = run.weights()

    def made(self, run: Run) -> Candidate:
        mark = self.encoder.mark if self._adaptation.sleeps else ()
        return Candidate(self._settings, adapter_weights(self._adapted, ADAPTER), mark, run.legacy)
