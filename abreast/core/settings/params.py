"""All sections together: the whole of `params.yaml`."""

from pydantic import Field, field_validator, model_validator

from abreast.core.settings.data import Contract, Intake, Knowledge, Split, Storage
from abreast.core.settings.default_gates import GATES
from abreast.core.settings.evaluate import Drift, Evaluate
from abreast.core.settings.gates import Gate
from abreast.core.settings.model import Model
from abreast.core.settings.review_and_services import ReviewSettings, ServerSettings
from abreast.core.settings.section import Section
from abreast.core.settings.train import Train


class Params(Section):
    """The whole of `params.yaml`."""

    model: Model = Model()
    knowledge: Knowledge = Knowledge()
    intake: Intake = Intake()
    contract: Contract = Contract()
    storage: Storage = Storage()
    split: Split = Split()
    train: Train = Train()
    evaluate: Evaluate = Evaluate()
    gates: tuple[Gate, ...] = Field(
        GATES,
        min_length=1,
        description="What a candidate must reach. Each gate names a measure, where it is taken, what it is compared "
        "with, how certain the result must be, and what a miss leads to. docs/gates.md explains how to read and set "
        "gates, and how many questions a margin needs.",
    )
    review: ReviewSettings = ReviewSettings()
    drift: Drift = Drift()
    services: ServerSettings = ServerSettings()

    @field_validator("gates")
    @classmethod
    def _unique_names(cls, gates: tuple[Gate, ...]) -> tuple[Gate, ...]:
        names = [gate.name for gate in gates]
        if twice := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"each gate has a name of its own; twice there: {', '.join(sorted(twice))}")
        return gates

    @model_validator(mode="after")
    def _priorities_are_measured(self) -> "Params":
        methods = [entry.get("method") for entry in self.train.regularizers]
        if self.split.replay == "prioritized" and "prioritized" not in methods:
            raise ValueError(
                "`split.replay: prioritized` needs {method: prioritized} in `train.regularizers`, which measures it"
            )
        return self
