"""The experts in training: experts of domains with new examples learn, all others stay frozen."""

from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch

from abreast.core.settings import Train
from abreast.dataset.examples import Example
from abreast.learning.adapters.protocol import AdapterMethod, HasTrainingMethods, InitFromExamples
from abreast.learning.backbone.adapter import activate_adapter, adapter_weights, add_adapter
from abreast.learning.backbone.cached_backbone import CachedBackbone
from abreast.learning.backbone.prompt_tokenizer import PromptTokenizer, TokenizedExample
from abreast.learning.experts.cached_router import CachedRouter
from abreast.learning.experts.expert_set import ExpertSet, TrainedExperts, read_expert_set
from abreast.learning.experts.routed_backbone import AdapterSwitch, RoutedBackbone
from abreast.learning.experts.router import Router
from abreast.learning.methods.protocol import TrainingRun
from abreast.learning.model_folder import TrainedAdapter
from abreast.learning.trainer.dev_evaluator import DevEvaluator


def domain_of(example: Example) -> str | None:
    """The domain whose expert learns an example; None is the shared expert: no domain, or raw text."""
    return None if example.kind == "text" else example.domain or None


class ExpertsModel:
    """An adapter for each domain that was ever taught; the arguments are those of `AdapterModel`.

    Replayed examples of domains without new examples are left out: their experts cannot forget.
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
        self._adapter_method, self.tokenizer, self._parent = adapter_method, prompt_tokenizer, parent
        before, self._parent_statistics = (
            read_expert_set(parent) if parent else (ExpertSet(), Router.empty(model.config.hidden_size))
        )
        self._choose_experts(before, examples)
        self._config = adapter_method.peft_config(model, train.top_layers)
        for name in self._set.experts:
            weights = parent / name if name in before.experts else None
            model = add_adapter(model, deepcopy(self._config), name, weights)
        self._peft_model = model
        self.training_methods = self._start_training_methods()
        bfloat16 = train.precision == "bfloat16"
        self._plain = CachedBackbone(model.get_base_model(), train.top_layers, model.disable_adapter, bfloat16)
        self.parameters = self._parameters_of(self._learning or list(self._set.experts)[:1])
        self._switch = AdapterSwitch(model, self.parameters)
        self._parent_router = CachedRouter(self._plain, prompt_tokenizer, self._set.experts, self._parent_statistics)
        self.backbone = RoutedBackbone(self._plain, self._switch, self._parent_router)
        self._dev_backbone = RoutedBackbone(self._plain, self._switch, self._parent_router)
        self._switch.unfreeze()

    def dev_evaluator(self, new: Sequence[TokenizedExample], old: Sequence[TokenizedExample]) -> DevEvaluator:
        return RoutedDevEvaluator(self._dev_backbone, self._parent_router, new, old)

    def prepare(self, run: TrainingRun, examples: Sequence[Example]) -> None:
        run.experts = [self._set.name(domain_of(example)) for example in examples]
        self.backbone.assign(run.examples, run.experts)
        self._plain.precompute(run.examples)
        if isinstance(self._adapter_method, InitFromExamples):
            self._init_new_experts(run)
        self._statistics = self._parent_statistics.updated(len(self._set.experts), self._prompt_means(run, examples))
        router = CachedRouter(self._plain, self.tokenizer, self._set.experts, self._statistics)
        self.backbone.router = self._dev_backbone.router = router
        frozen = self._set.experts.keys() - set(self._learning)
        run.carried_state |= {
            name: value for name, value in run.inherited_state.items() if frozen & set(name.split("."))
        }

    def export(self, run: TrainingRun) -> TrainedExperts:
        tokens = self.tokenizer.invocation_tokens
        weights = {name: adapter_weights(self._peft_model, name) for name in self._learning}
        trained = {name: TrainedAdapter(self._config, own, tokens) for name, own in weights.items()}
        return TrainedExperts(self._set, trained, self._parent, self._statistics, run.carried_state)

    def _choose_experts(self, before: ExpertSet, examples: list[Example]) -> None:
        """Choose the experts that learn, and their examples; an empty first training has the shared expert."""
        domains = {domain_of(example) for example in examples if example.role == "new"}
        if not before.experts and not domains:
            domains = {None}
        self._set = before.extended(domains)
        self._learning = [name for name, domain in self._set.experts.items() if domain in domains]
        self._new = [name for name in self._learning if name not in before.experts]
        self.examples = [example for example in examples if domain_of(example) in domains]
        self.fresh = self._new == self._learning
        names = ", ".join(self._set.experts[name] or "(shared)" for name in self._learning)
        frozen, left_out = len(self._set.experts) - len(self._learning), len(examples) - len(self.examples)
        print(
            f"experts: {names or 'none'} learn, {frozen} stay frozen; {left_out} of their examples are left out",
            flush=True,
        )

    def _start_training_methods(self) -> Sequence[Any]:
        """The adapter method's own training methods, for all experts; each new expert is prepared for them."""
        methods: Sequence[Any] = ()
        for name in self._learning if isinstance(self._adapter_method, HasTrainingMethods) else ():
            activate_adapter(self._peft_model, name, trainable=True)
            methods = self._adapter_method.training_methods(self._peft_model, name in self._new)
        return methods

    def _parameters_of(self, names: Sequence[str]) -> dict[str, torch.nn.Parameter]:
        """The parameters of some experts, by path."""
        parameters = self._peft_model.get_base_model().named_parameters()
        return {path: parameter for path, parameter in parameters if set(names) & set(path.split("."))}

    def _init_new_experts(self, run: TrainingRun) -> None:
        for name in self._new:
            self._switch.switch_to(name)
            own = [text for text, expert in zip(run.examples, run.experts, strict=True) if expert == name]
            self._adapter_method.init_from_examples(self._peft_model, self._plain, own)
        run.start = run.weights()

    def _prompt_means(self, run: TrainingRun, examples: Sequence[Example]) -> dict[int, torch.Tensor]:
        """The base's mean states of the prompts of new examples [n, width], by the number of their expert."""
        names, found = list(self._set.experts), {}
        for number, name in enumerate(names):
            rows = zip(run.examples, run.experts, examples, strict=True)
            own = [text for text, expert, e in rows if expert == name and e.role == "new" and e.kind != "text"]
            if own:
                found[number] = self._plain.prompt_means(own)
        return found


class RoutedDevEvaluator(DevEvaluator):
    """Evaluates experts through the router: development questions do not say their domain.

    The parent is evaluated with its own router, which does not have the new domains.
    """

    def __init__(
        self,
        backbone: RoutedBackbone,
        parent_router: CachedRouter,
        new: Sequence[TokenizedExample],
        old: Sequence[TokenizedExample],
    ):
        super().__init__(backbone, new, old)
        self._routed, self._parent_router = backbone, parent_router

    def record_parent(self) -> None:
        router, self._routed.router = self._routed.router, self._parent_router
        super().record_parent()
        self._routed.router = router
