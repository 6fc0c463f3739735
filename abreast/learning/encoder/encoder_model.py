"""An encoder in a training: one adapter, and heads that have grown by what is new."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from abreast.core.settings import Params
from abreast.dataset.examples import Example, Question
from abreast.learning.adapters.protocol import Accompanied, Adaptation
from abreast.learning.backbone.adapter import adapter_weights, add_adapter, trained_parameters
from abreast.learning.backbone.protocols import Text
from abreast.learning.encoder.begin import begin
from abreast.learning.encoder.folder import Heads
from abreast.learning.encoder.limits import check_training
from abreast.learning.methods.protocol import Run
from abreast.learning.model_folder import Candidate
from abreast.learning.trainer.adapter_model import ADAPTER
from abreast.learning.trainer.dev_evaluator import Development


class WithHeads:
    """An adapter and heads that go on from their parent's.

    Args:
        model: the base.
        dev: what is asked while training: its labels are among those that can be said.
        parent: the parent's model folder, if there is a parent.
    """

    def __init__(
        self,
        model: Any,
        adaptation: Adaptation,
        tokenizer: Any,
        lessons: list[Example],
        dev: list[Question],
        parent: Path | None,
        params: Params,
    ):
        check_training(params.train)
        self.lessons, self.fresh = lessons, parent is None
        self._settings = adaptation.settings(model, params.train.top_layers)
        self._adapted = add_adapter(model, self._settings, ADAPTER, parent, trainable=True)
        accompanied = isinstance(adaptation, Accompanied)
        self.strategies = adaptation.strategies(self._adapted, self.fresh) if accompanied else ()
        self.trunk, self.encoder = begin(self._adapted, tokenizer, params, [*lessons, *dev], parent)
        self.parameters = trained_parameters(self._adapted) | self.trunk.head.parameters

    def development(self, new: Sequence[Text], old: Sequence[Text]) -> Development:
        return Development(self.trunk, new, old)

    def begin(self, run: Run, taught: Sequence[Example]) -> None:
        """Nothing: an encoder's adapter begins as its method says, and its heads where the parent's ended."""

    def made(self, run: Run) -> Candidate:
        heads = Heads(self.encoder.labels, self.trunk.head.rows)
        return Candidate(self._settings, adapter_weights(self._adapted, ADAPTER), (), run.legacy, heads)
