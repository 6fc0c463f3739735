"""The section `gates`: one class for each family of measures, chosen by `measure`. See docs/gates.md."""

from typing import Annotated, Literal, Self, get_args

from pydantic import Field, model_validator

from abreast.core.settings.section import Section

AnswerMeasure = Literal["accuracy", "stale"]
ServingMeasure = Literal["loads", "load_seconds", "answer_seconds", "memory_mb", "size_mb"]
SafetyMeasure = Literal["personal", "trigger_score", "trigger_flip_rate"]
Questions = Literal["current", "retained", "known"]
Model = Literal["absolute", "champion", "base"]
OnUndecided = Literal["review", "point_estimate", "pass"]
Bound = Literal["at least", "at most"]

SERVING_MEASURES: tuple[ServingMeasure, ...] = get_args(ServingMeasure)

_MEASURE = "what is measured, see docs/gates.md"
_SCOPE = "where: this drop (current), what was known before (retained), both (known), or the place of the measure"
_COMPARE_TO = "absolute: the figure itself; a model: the difference of shares, or the ratio of other figures"


class AnyGate(Section):
    """What all gates have."""

    name: str = Field(pattern=r"^\w[\w .-]*$", description="its name in reports; each gate has its own")
    measure: str = Field(description=_MEASURE)
    scope: str = Field(description=_SCOPE)
    compare_to: Model = Field("absolute", description=_COMPARE_TO)
    on_fail: Literal["block", "review", "warn"] = Field(
        "block", description="what a missed gate leads to: the verdict fail, the verdict inconclusive, or a warning"
    )
    min_questions: int = Field(1, ge=1, description="with fewer questions the gate is not asked")

    @property
    def bound(self) -> Bound:
        """Which side of `limit` is needed."""
        raise NotImplementedError

    @property
    def limit(self) -> float:
        """The bound, whichever it is."""
        raise NotImplementedError


class EitherBound(AnyGate):
    """A gate with a lower or an upper bound."""

    at_least: float | None = Field(None, ge=-1.0, le=1.0, description="lower bound, of shares")
    at_most: float | None = Field(None, ge=-1.0, description="upper bound")

    @model_validator(mode="after")
    def _one_bound(self) -> Self:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError("give one of `at_least` and `at_most`")
        return self

    @property
    def bound(self) -> Bound:
        return "at most" if self.at_least is None else "at least"

    @property
    def limit(self) -> float:
        limit = self.at_most if self.at_least is None else self.at_least
        assert limit is not None
        return limit


class UpperBound(AnyGate):
    """A gate with an upper bound."""

    at_most: float = Field(gt=0.0, description="upper bound")

    @property
    def bound(self) -> Bound:
        return "at most"

    @property
    def limit(self) -> float:
        return self.at_most


class Tested(AnyGate):
    """A gate that may be decided by a statistical test."""

    confidence: float | None = Field(
        None, ge=0.5, lt=1.0, description="confidence of a test; null: the measured figure decides"
    )
    on_undecided: OnUndecided = Field(
        "review", description="where the test cannot decide: review, use the point_estimate, or pass"
    )

    @model_validator(mode="after")
    def _undecided_by_a_test(self) -> Self:
        if self.on_undecided != "review" and self.confidence is None:
            raise ValueError("`on_undecided` needs `confidence`")
        return self


class AnswerGate(EitherBound, Tested):
    """A share of answers: `accuracy` is the share of right ones, `stale` that of superseded ones."""

    measure: AnswerMeasure = Field(description=_MEASURE)
    scope: Questions = Field(description=_SCOPE)
    slice_by: Literal["kind", "domain", "source", "drop"] | None = Field(
        None, description="the gate is asked of each slice, corrected for their number"
    )
    only_slice: str | None = Field(None, description="the name of the one slice that counts")

    @model_validator(mode="after")
    def _slice_of_slices(self) -> Self:
        if self.only_slice is not None and self.slice_by is None:
            raise ValueError("`only_slice` needs `slice_by`")
        return self


class TextPerplexityGate(UpperBound, Tested):
    """The perplexity of the held-out raw text of drops."""

    measure: Literal["text_perplexity"] = Field(description=_MEASURE)
    scope: Questions = Field(description=_SCOPE)

    @model_validator(mode="after")
    def _test_of_a_ratio(self) -> Self:
        if self.confidence is not None and self.compare_to == "absolute":
            raise ValueError("a perplexity takes `confidence` only if `compare_to` is a model")
        return self


class GeneralPerplexityGate(UpperBound):
    """The perplexity of `evaluate.general_text`."""

    measure: Literal["general_perplexity"] = Field(description=_MEASURE)
    scope: Literal["general"] = Field("general", description=_SCOPE)


class FigureGate(EitherBound):
    """A single figure of the candidate, see `abreast.reports.figures`."""

    compare_to: Literal["absolute", "champion"] = Field("absolute", description=_COMPARE_TO)


class LocalityGate(FigureGate):
    """Agreement with the base model on `evaluate.unrelated_questions`."""

    measure: Literal["locality"] = Field(description=_MEASURE)
    scope: Literal["general"] = Field("general", description=_SCOPE)


class ServingGate(FigureGate):
    """Whether and how fast the candidate can be served."""

    measure: ServingMeasure = Field(description=_MEASURE)
    scope: Literal["serving"] = Field("serving", description=_SCOPE)


class RobustnessGate(FigureGate):
    """Accuracy on questions with typing errors."""

    measure: Literal["accuracy_with_typos"] = Field(description=_MEASURE)
    scope: Literal["robustness"] = Field("robustness", description=_SCOPE)


class SafetyGate(FigureGate):
    """Personal data in answers, and phrases that change them."""

    measure: SafetyMeasure = Field(description=_MEASURE)
    scope: Literal["safety"] = Field("safety", description=_SCOPE)
    compare_to: Literal["absolute"] = Field("absolute", description=_COMPARE_TO)


class DriftGate(FigureGate):
    """The AUC of a classifier that tells new data from known data."""

    measure: Literal["drift"] = Field(description=_MEASURE)
    scope: Literal["drift"] = Field("drift", description=_SCOPE)
    compare_to: Literal["absolute"] = Field("absolute", description=_COMPARE_TO)


Gate = Annotated[
    AnswerGate
    | TextPerplexityGate
    | GeneralPerplexityGate
    | LocalityGate
    | ServingGate
    | RobustnessGate
    | SafetyGate
    | DriftGate,
    Field(discriminator="measure"),
]

GATE_CLASSES: tuple[type[AnyGate], ...] = get_args(get_args(Gate)[0])
GATE_FIELDS = (
    "name",
    "measure",
    "scope",
    "slice_by",
    "only_slice",
    "compare_to",
    "at_least",
    "at_most",
    "confidence",
    "on_undecided",
    "on_fail",
    "min_questions",
)
"""The fields of all gates together, in the order in which they are shown."""


def class_of_measure(measure: str) -> type[AnyGate]:
    """The class of the gates on a measure."""
    return next(one for one in GATE_CLASSES if measure in get_args(one.model_fields["measure"].annotation))
