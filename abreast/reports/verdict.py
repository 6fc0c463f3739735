"""The verdict on a candidate, and the result of each gate."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, model_validator

from abreast.core.renamed_knobs import with_new_names

GateOutcome = Literal["passed", "failed", "undecided"]


class GateResult(BaseModel):
    """One gate: what was measured, what was needed, what the champion reached; None where there is no such figure.

    `interval` is that of the `share` itself, of the `difference` to the other model's or of the `ratio` to it; each end
    holds by itself with the gate's confidence (95 % where the gate has none). `n` is the number of keys that were asked
    about, or of pieces of text. `p` is the probability of answers at least as clear if the opposite of the decision
    were true. `needs` is the least number of questions that could have decided, where there were fewer. `why`
    explains the figure, such as why a model does not load. `planned` is how many keys would
    have been asked about had the evaluation not stopped early; the interval is then what all of them would show, up to
    the stated error of the stop.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    measured: float | None
    needed: float
    bound: Literal["at least", "at most"]
    champion: float | None
    outcome: GateOutcome
    on_fail: Literal["block", "review", "warn"] = "block"
    of: Literal["share", "difference", "ratio"] = "share"
    interval: tuple[float, float] | None = None
    n: int | None = None
    p: float | None = None
    needs: int | None = None
    why: str = ""
    planned: int | None = None

    @model_validator(mode="before")
    @classmethod
    def _of_an_older_version(cls, values: Any) -> Any:
        return with_new_names("gates", values) if isinstance(values, dict) else values

    @property
    def passed(self) -> bool:
        """Whether the candidate reached it, or need not."""
        return self.outcome == "passed"

    @property
    def asks(self) -> Literal["fail", "inconclusive", None]:
        """The verdict that it leads to by itself; None if it holds up nothing."""
        if self.passed or self.on_fail == "warn":
            return None
        return "fail" if self.outcome == "failed" and self.on_fail == "block" else "inconclusive"

    @property
    def reason(self) -> str:
        """`name: measured x, needed at least y, champion z`, and what stands behind it."""
        measured, champion = (short(figure) for figure in (self.measured, self.champion))
        parts = [f"{self.name}: measured {measured}", f"needed {self.bound} {short(self.needed)}"]
        parts.append(f"champion {champion}")
        if self.interval is not None:
            parts.append(f"{self.of} {short(self.interval[0])} to {short(self.interval[1])}")
        if self.n is not None:
            parts.append(f"n {self.n}" if self.planned is None else f"n {self.n} of {self.planned}")
        if self.p is not None:
            parts.append(f"p {self.p:.2g}")
        if self.outcome == "undecided":
            parts.append("undecided" if self.needs is None else f"undecided: that takes {self.needs} questions or more")
        if self.outcome == "failed" and self.on_fail != "block":
            parts.append({"review": "to be reviewed", "warn": "a warning"}[self.on_fail])
        return ", ".join([*parts, self.why] if self.why else parts)


class Verdict(BaseModel):
    """`pass`, `fail` or `inconclusive`, with one reason for each gate, those that hold the candidate up first.

    `note` is a sentence for the report which decides nothing, or empty.
    """

    model_config = ConfigDict(frozen=True)

    verdict: Literal["pass", "fail", "inconclusive"]
    reasons: tuple[str, ...]
    gates: tuple[GateResult, ...]
    note: str = ""


def short(figure: float | None) -> str:
    """A figure in three digits, a whole number from 1000 on, and `none` where there is none."""
    if figure is None:
        return "none"
    return f"{figure:.3g}" if abs(figure) < 1000 else f"{figure:.0f}"
