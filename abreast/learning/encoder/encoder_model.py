"""An encoder in training: one adapter, and heads that are extended by new labels."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from abreast.core.settings import Params
from abreast.dataset.examples import Example, Question
from abreast.learning.adapters.protocol import AdapterMethod, HasTrainingMethods
from abreast.learning.backbone.adapter import adapter_weights, add_adapter, trained_parameters
from abreast.learning.backbone.protocols import TokenizedText
from abreast.learning.encoder.limits import check_training
from abreast.learning.encoder.prepare import prepare_encoder
from abreast.learning.encoder.saved_heads import Heads
from abreast.learning.methods.protocol import TrainingRun
from abreast.learning.model_folder import TrainedAdapter
from abreast.learning.trainer.adapter_model import ADAPTER_NAME
from abreast.learning.trainer.dev_evaluator import DevEvaluator


class EncoderModel:
    """An adapter and heads that continue those of the parent.

    Args:
        model: the base.
        dev: development questions; their labels join those of the head.
        parent: the parent's model folder, if there is a parent.
    """

    def __init__(
        self,
        model: Any,
        adapter_method: AdapterMethod,
        tokenizer: Any,
        examples: list[Example],
        dev: list[Question],
        parent: Path | None,
        params: Params,
    ):
        check_training(params.train)
        self.examples, self.fresh = examples, parent is None
        self._config = adapter_method.peft_config(model, params.train.top_layers)
        self._peft_model = add_adapter(model, self._config, ADAPTER_NAME, parent, trainable=True)
        has_methods = isinstance(adapter_method, HasTrainingMethods)
        self.training_methods = adapter_method.training_methods(self._peft_model, self.fresh) if has_methods else ()
        self.backbone, self.tokenizer = prepare_encoder(self._peft_model, tokenizer, params, [*examples, *dev], parent)
        self.parameters = trained_parameters(self._peft_model) | self.backbone.head.parameters

    def dev_evaluator(self, new: Sequence[TokenizedText], old: Sequence[TokenizedText]) -> DevEvaluator:
        return DevEvaluator(self.backbone, new, old)

    def prepare(self, run: TrainingRun, examples: Sequence[Example]) -> None:
        """Nothing to do: the adapter starts as its method says, the heads where those of the parent ended."""

    def export(self, run: TrainingRun) -> TrainedAdapter:
        heads = Heads(self.tokenizer.labels, self.backbone.head.rows)
        weights = adapter_weights(self._peft_model, ADAPTER_NAME)
        return TrainedAdapter(self._config, weights, (), run.carried_state, heads)
