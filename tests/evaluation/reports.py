"""Reports of the stage `evaluate`, made up for tests."""

from collections.abc import Sequence
from typing import Any

from abreast.reports.answers import QuestionResult
from abreast.reports.reports import Reports
from abreast.reports.texts import TextResult


def results(
    scope: str = "current",
    both: int = 0,
    won: int = 0,
    lost: int = 0,
    neither: int = 0,
    champion: bool = True,
    each: int = 1,
    **more: Any,
) -> list[QuestionResult]:
    """So many keys that both models know, that only the candidate or only the champion knows, and that neither does.

    Args:
        champion: whether there is one; without it `both` and `won` are what the candidate knows.
        each: questions for each key.
    """
    answers = [(True, True)] * both + [(True, False)] * won + [(False, True)] * lost + [(False, False)] * neither
    common = {"kind": "fact", "domain": "", "source": "", "drop": "d", "outdated": None} | more
    return [
        QuestionResult(
            key=f"{scope} {number} {common['domain']}",
            scope=scope,
            correct={"base": False, "in_context": None, "champion": theirs if champion else None, "candidate": mine},
            **common,
        )
        for number, (mine, theirs) in enumerate(answers)
        for _ in range(each)
    ]


def stale(asked: int, repeated: int, scope: str = "current") -> list[QuestionResult]:
    """Rightly answered questions with superseded values, so many of them answered with one."""
    who = ("base", "in_context", "champion", "candidate")
    return [
        QuestionResult(
            key=f"stale {number}",
            kind="fact",
            domain="",
            source="",
            drop="d",
            scope=scope,
            correct=dict.fromkeys(who, True),
            outdated=dict.fromkeys(who, number < repeated),
        )
        for number in range(asked)
    ]


def texts(
    scope: str, candidate: Sequence[float], champion: Sequence[float] | None, base: Sequence[float]
) -> list[TextResult]:
    """Pieces of ten tokens each with these mean log-likelihoods by model."""
    return [
        TextResult(
            key=f"{scope} {number}",
            scope=scope,
            tokens=10,
            means={
                "base": first,
                "in_context": None,
                "champion": champion[number] if champion else None,
                "candidate": mine,
            },
        )
        for number, (mine, first) in enumerate(zip(candidate, base, strict=True))
    ]


def reports(
    answers: Sequence[QuestionResult],
    pieces: Sequence[TextResult] = (),
    ratio: float = 1.0,
    champion: bool = True,
    **shown: Any,
) -> Reports:
    """Everything that the gates read.

    Args:
        ratio: general perplexity over the untrained base's.
        shown: figures of the base with examples, if it was asked so.
    """
    metrics = {
        "base": {"general_perplexity": 20.0},
        "candidate": {"general_perplexity": 20.0 * ratio},
        "champion": {"general_perplexity": 20.0} if champion else None,
        "in_context": ({"general_perplexity": 20.0} | shown) if shown else None,
    }
    return Reports(metrics=metrics, answers=tuple(answers), texts=tuple(pieces))
