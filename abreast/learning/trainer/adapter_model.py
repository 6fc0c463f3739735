"""What a training trains: here one adapter; several are `ExpertsModel`, one with heads is `EncoderModel`."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import torch

from abreast.core.settings import Train
from abreast.dataset.examples import Example
from abreast.learning.adapters.protocol import AdapterMethod, HasTrainingMethods, InitFromExamples
from abreast.learning.backbone.adapter import adapter_weights, add_adapter, trained_parameters
from abreast.learning.backbone.cached_backbone import CachedBackbone
from abreast.learning.backbone.prompt_tokenizer import PromptTokenizer, TokenizedExample
from abreast.learning.backbone.protocols import TokenizedText
from abreast.learning.methods.protocol import TrainingRun
from abreast.learning.model_folder import TrainedAdapter, TrainedModel
from abreast.learning.trainer.dev_evaluator import DevEvaluator

ADAPTER_NAME = "candidate"


class TrainableModel(Protocol):
    """A model in training.

    Attributes:
        backbone: runs texts.
        tokenizer: a `PromptTokenizer` or a `LabelTokenizer`.
        parameters: the trainable parameters by name.
        training_methods: methods that the adapter method brings along.
        examples: the training examples.
        fresh: whether no trainable parameter was trained before.
    """

    backbone: Any
    tokenizer: Any
    parameters: Mapping[str, torch.nn.Parameter]
    training_methods: Sequence[Any]
    examples: list[Example]
    fresh: bool

    def dev_evaluator(self, new: Sequence[TokenizedText], old: Sequence[TokenizedText]) -> DevEvaluator:
        """Evaluates the model on the development questions while it learns."""
        ...

    def prepare(self, run: TrainingRun, examples: Sequence[Example]) -> None:
        """Prepare the first step; `examples` holds the example of each text of `run.examples`."""
        ...

    def export(self, run: TrainingRun) -> TrainedModel:
        """The content of the model folder."""
        ...


class AdapterModel:
    """One adapter, which continues its parent's.

    Args:
        model: the base.
        parent: the parent's model folder, if there is a parent.
    """

    def __init__(
        self,
        model: Any,
        adapter_method: AdapterMethod,
        prompt_tokenizer: PromptTokenizer,
        examples: list[Example],
        parent: Path | None,
        train: Train,
    ):
        self.examples, self.fresh, self.tokenizer = examples, parent is None, prompt_tokenizer
        self._adapter_method, self._config = adapter_method, adapter_method.peft_config(model, train.top_layers)
        self._peft_model = add_adapter(model, self._config, ADAPTER_NAME, parent, trainable=True)
        has_methods = isinstance(adapter_method, HasTrainingMethods)
        self.training_methods = adapter_method.training_methods(self._peft_model, self.fresh) if has_methods else ()
        self.backbone = CachedBackbone(
            self._peft_model.get_base_model(),
            train.top_layers,
            self._peft_model.disable_adapter,
            bfloat16=train.precision == "bfloat16",
        )
        self.parameters = trained_parameters(self._peft_model)

    def dev_evaluator(self, new: Sequence[TokenizedExample], old: Sequence[TokenizedExample]) -> DevEvaluator:
        return DevEvaluator(self.backbone, new, old)

    def prepare(self, run: TrainingRun, examples: Sequence[Example]) -> None:
        if self.fresh and isinstance(self._adapter_method, InitFromExamples):
            self._adapter_method.init_from_examples(self._peft_model, self.backbone, run.examples)
            run.start = run.weights()

    def export(self, run: TrainingRun) -> TrainedAdapter:
        tokens = self.tokenizer.invocation_tokens if self._adapter_method.activated else ()
        weights = adapter_weights(self._peft_model, ADAPTER_NAME)
        return TrainedAdapter(self._config, weights, tokens, run.carried_state)
