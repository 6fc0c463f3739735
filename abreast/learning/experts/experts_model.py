"""The experts in a training: those of domains with a new lesson learn, all others rest."""

from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any

import torch

from abreast.core.settings import Train
from abreast.dataset.examples import Example
from abreast.learning.adapters.protocol import Accompanied, Adaptation, FromLessons
from abreast.learning.backbone.adapter import activate, adapter_weights, add_adapter
from abreast.learning.backbone.cached_backbone import Trunk
from abreast.learning.backbone.prompt_tokenizer import Encoded, Encoder
from abreast.learning.experts.cached_router import Desk
from abreast.learning.experts.folder import Panel, PanelCandidate, read_panel
from abreast.learning.experts.routed_backbone import ByExpert, Voices
from abreast.learning.experts.router import Router
from abreast.learning.methods.protocol import Run
from abreast.learning.model_folder import Candidate
from abreast.learning.trainer.dev_evaluator import Development


def domain_of(lesson: Example) -> str | None:
    """The domain that a lesson is learned under; None is shared: no domain, or raw text, which is asked nothing."""
    return None if lesson.kind == "text" else lesson.domain or None


class Experts:
    """An adapter for each domain that was ever taught; the arguments are those of `OneAdapter`.

    What is rehearsed of domains that rest is left out: their experts cannot forget.
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
        self._adaptation, self.encoder, self._parent = adaptation, encoder, parent
        before, self._known = read_panel(parent) if parent else (Panel(), Router.empty(model.config.hidden_size))
        waking = {domain_of(lesson) for lesson in lessons if lesson.role == "new"}
        if not before.experts and not waking:
            waking = {None}
        self._panel = before.widened(waking)
        self._awake = [name for name, domain in self._panel.experts.items() if domain in waking]
        self._new = [name for name in self._awake if name not in before.experts]
        self.lessons = [lesson for lesson in lessons if domain_of(lesson) in waking]
        self.fresh = self._new == self._awake
        self._tell(len(lessons) - len(self.lessons))
        self._settings = adaptation.settings(model, train.top_layers)
        for name in self._panel.experts:
            weights = parent / name if name in before.experts else None
            model = add_adapter(model, deepcopy(self._settings), name, weights)
        self._adapted = model
        self.strategies = self._begin_adaptation()
        half = train.precision == "bfloat16"
        self._trunk = Trunk(model.get_base_model(), train.top_layers, model.disable_adapter, half)
        self.parameters = self._of(self._awake or list(self._panel.experts)[:1])
        self._voices = Voices(model, self.parameters)
        self._before = Desk(self._trunk, encoder, self._panel.experts, self._known)
        self.trunk = ByExpert(self._trunk, self._voices, self._before)
        self._asking = ByExpert(self._trunk, self._voices, self._before)
        self._voices.learn()

    def development(self, new: Sequence[Encoded], old: Sequence[Encoded]) -> Development:
        return RoutedDevelopment(self._asking, self._before, new, old)

    def begin(self, run: Run, taught: Sequence[Example]) -> None:
        run.experts = [self._panel.name(domain_of(lesson)) for lesson in taught]
        self.trunk.assign(run.examples, run.experts)
        self._trunk.plan(run.examples)
        if isinstance(self._adaptation, FromLessons):
            self._start(run)
        self.router = self._known.learned(len(self._panel.experts), self._prompts(run, taught))
        self.trunk.desk = self._asking.desk = Desk(self._trunk, self.encoder, self._panel.experts, self.router)
        resting = self._panel.experts.keys() - set(self._awake)
        kept = {name: value for name, value in run.memory.items() if resting & set(name.split("."))}
        run.legacy |= kept

    def made(self, run: Run) -> PanelCandidate:
        mark = self.encoder.mark
        trained = {n: Candidate(self._settings, adapter_weights(self._adapted, n), mark) for n in self._awake}
        return PanelCandidate(self._panel, trained, self._parent, self.router, run.legacy)

    def _tell(self, left_out: int) -> None:
        awake = ", ".join(self._panel.experts[name] or "(shared)" for name in self._awake)
        rest = len(self._panel.experts) - len(self._awake)
        print(f"experts: {awake or 'none'} learn, {rest} rest; {left_out} lessons of those are left out", flush=True)

    def _begin_adaptation(self) -> Sequence[Any]:
        """What the adaptation does beside the lessons, for all experts; and what it does with each new one."""
        strategies: Sequence[Any] = ()
        for name in self._awake if isinstance(self._adaptation, Accompanied) else ():
            activate(self._adapted, name, trainable=True)
            strategies = self._adaptation.strategies(self._adapted, name in self._new)
        return strategies

    def _of(self, names: Sequence[str]) -> dict[str, torch.nn.Parameter]:
        """The parameters of some experts, by name."""
        everything = self._adapted.get_base_model().named_parameters()
        return {path: parameter for path, parameter in everything if set(names) & set(path.split("."))}

    def _start(self, run: Run) -> None:
        for name in self._new:
            self._voices.speak(name)
            own = [text for text, expert in zip(run.examples, run.experts, strict=True) if expert == name]
            self._adaptation.start(self._adapted, self._trunk, own)
        run.start = run.weights()

    def _prompts(self, run: Run, taught: Sequence[Example]) -> dict[int, torch.Tensor]:
        """What the base makes of the prompts of the new lessons of each expert, by its number."""
        names, found = list(self._panel.experts), {}
        for number, name in enumerate(names):
            lines = zip(run.examples, run.experts, taught, strict=True)
            own = [t for t, expert, e in lines if expert == name and e.role == "new" and e.kind != "text"]
            if own:
                found[number] = self._trunk.prompts(own)
        return found


class RoutedDevelopment(Development):
    """The development set, put to experts through the router: no question tells its domain.

    The parent is heard through its own router, which does not know the domains that are new.
    """

    def __init__(self, trunk: ByExpert, before: Desk, new: Sequence[Encoded], old: Sequence[Encoded]):
        super().__init__(trunk, new, old)
        self._asking, self._before = trunk, before

    def begin(self) -> None:
        after, self._asking.desk = self._asking.desk, self._before
        super().begin()
        self._asking.desk = after
