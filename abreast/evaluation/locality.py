"""Whether a model still says what its base says where no drop has said anything."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean

from abreast.core.settings import Evaluate
from abreast.evaluation.session import Asked, EvaluationSession
from abreast.evaluation.texts import read_text
from abreast.inference.predictor import Answerer
from abreast.learning.backbone.generation import Spoken
from abreast.reports.figures import Figure

TOKENS = 16
"""So much of each of the base's answers counts."""
SHOWN = 40
"""Characters of an answer that are told."""


def read_unrelated(limits: Evaluate) -> list[str]:
    """The questions of `evaluate.unrelated_questions`, one a line.

    Raises:
        AbreastError: as `texts.read_text`.
    """
    lines = map(str.strip, read_text(limits, "unrelated_questions").splitlines())
    return [line for line in lines if line]


def locality(
    session: EvaluationSession,
    answerers: Mapping[str, Asked],
    folders: Mapping[str, Path | None],
    questions: Sequence[str],
) -> dict[str, Figure]:
    """How far a model goes along with the base's greedy answers to unrelated questions: 1 if all are the same.

    Of each answer the share of its first 16 tokens that the model says too before it says something else; each question
    counts once. That takes one pass, and no generation but the base's. {} of encoders, and without questions.
    Source: locality, or specificity, of knowledge edits (Mitchell et al. 2022, arXiv:2110.11309, "drawdown"; Meng et
    al. 2022, arXiv:2202.05262), on questions that no record is about.

    Args:
        answerers: by name; the base and the candidate are there, as are their `folders`.
        questions: as `read_unrelated` gives them.
    """
    base = answerers["base"]
    if not questions or not isinstance(base, Answerer):
        return {}

    def say(numbers: list[int]) -> list[Spoken]:
        return base.speak([questions[n] for n in numbers], TOKENS)

    memory = session.memory(base, None)
    put = [["unrelated", Spoken._fields, text, TOKENS] for text in questions]
    said = [Spoken(*one) for one in memory.recall(put, say)]
    shares = {
        who: _shares(session, answerers[who], folders[who], questions, said)
        for who in ("candidate", "champion")
        if who in answerers
    }
    worst = min(range(len(questions)), key=shares["candidate"].__getitem__)
    why = _told(answerers["candidate"], questions[worst], said[worst]) if shares["candidate"][worst] < 1 else ""
    return {"locality": Figure(n=len(questions), why=why, **{who: fmean(found) for who, found in shares.items()})}


def _shares(
    session: EvaluationSession, model: Answerer, folder: Path | None, questions: Sequence[str], said: Sequence[Spoken]
) -> list[float]:
    def agree(numbers: list[int]) -> list[float]:
        return model.agree([questions[n] for n in numbers], [said[n].ids for n in numbers])

    put = [["agrees", question, answer.ids] for question, answer in zip(questions, said, strict=True)]
    return session.memory(model, folder).recall(put, agree)


def _told(model: Answerer, question: str, said: Spoken) -> str:
    """What a model says to one question, beside the base's answer."""
    (own,) = model.speak([question], TOKENS)
    return f"{question!r} is answered {own.text[:SHOWN]!r}, by the base {said.text[:SHOWN]!r}"
