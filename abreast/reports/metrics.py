"""The measures of an evaluation as reports/metrics.json holds them."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from abreast.metrics.calibration import Calibration
from abreast.metrics.robustness import Robustness
from abreast.metrics.task_metrics import MeasureValues

METRICS = "metrics.json"
BASE, IN_CONTEXT, CHAMPION, CANDIDATE = MODELS = ("base", "in_context", "champion", "candidate")
"""The models of an evaluation; `in_context` is the untrained base with examples before each question."""
ModelName = Literal["base", "in_context", "champion", "candidate"]


class ReportModel(BaseModel):
    """A part of the reports; unknown fields are ignored, so that later versions may add some."""

    model_config = ConfigDict(frozen=True, ser_json_inf_nan="constants")


class ModelMetrics(ReportModel):
    """The measures of one model; shares are from 0 to 1, and None where nothing was asked.

    `*_exact_match` are the shares of correct answers: on what this snapshot brought, on what was known before, and on
    both. `stale_rate` is the share of the questions with superseded values that were answered with one. `examples` is
    the number of examples before each question, for `in_context` alone. `robustness` are the shares without and with
    typing errors, where `evaluate.typo_rate` asks for them.
    """

    current_exact_match: float | None = None
    retained_exact_match: float | None = None
    known_exact_match: float | None = None
    stale_rate: float | None = None
    general_perplexity: float | None = None
    examples: int | None = None
    calibration: Calibration | None = None
    robustness: Robustness | None = None


class QuestionCounts(ReportModel):
    """How many questions were asked in each scope, and how many of all have superseded values."""

    current: int = 0
    retained: int = 0
    superseded: int = 0


class KindMetrics(ReportModel):
    """The measures on one kind of record: of each model by scope and by the name of the measure."""

    counts: dict[str, int]
    base: dict[str, MeasureValues] | None = None
    in_context: dict[str, MeasureValues] | None = None
    champion: dict[str, MeasureValues] | None = None
    candidate: dict[str, MeasureValues] | None = None

    def of(self, model: str, scope: str) -> MeasureValues:
        """The measures of one model in one scope; empty where there are none."""
        return (getattr(self, model) or {}).get(scope, {})


class EvaluationMetrics(ReportModel):
    """All measures of one evaluation; a model that does not exist is None.

    `planned` counts all questions there were, `counts` those asked. `router` has, by model with experts, the share of
    questions that went to the expert of their domain.
    """

    candidate: ModelMetrics
    champion: ModelMetrics | None = None
    in_context: ModelMetrics | None = None
    base: ModelMetrics | None = None
    counts: QuestionCounts = QuestionCounts()
    planned: QuestionCounts | None = None
    router: MeasureValues = Field(default_factory=dict)
    by_kind: dict[str, KindMetrics] = Field(default_factory=dict)

    def of(self, model: str) -> ModelMetrics | None:
        """The measures of one of `MODELS`."""
        return getattr(self, model)
