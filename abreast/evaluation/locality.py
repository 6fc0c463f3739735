"""Whether a model still answers unrelated questions as its untrained base does."""

from collections.abc import Sequence
from statistics import fmean

from abreast.core.settings import Evaluate
from abreast.evaluation.knob_files import read_knob_file
from abreast.evaluation.session import EvaluatedModels, EvaluationSession
from abreast.inference.predictor import Predictor
from abreast.learning.backbone.generation import Generation
from abreast.reports.figures import Figure
from abreast.reports.metrics import BASE, CANDIDATE, CHAMPION

TOKENS = 16
"""The first tokens of each of the base's answers that count."""
SHOWN = 40
"""Characters of an answer in the explanation."""


def read_unrelated(knobs: Evaluate) -> list[str]:
    """The questions of `evaluate.unrelated_questions`, one a line.

    Raises:
        AbreastError: as `texts.read_knob_file`.
    """
    lines = map(str.strip, read_knob_file(knobs, "unrelated_questions").splitlines())
    return [line for line in lines if line]


def locality(session: EvaluationSession, models: EvaluatedModels, questions: Sequence[str]) -> dict[str, Figure]:
    """Agreement with the base model: 1 if all greedy answers to unrelated questions are the same.

    Of each of the base's answers it is the share of the first 16 tokens up to the first one that the model would choose
    differently; each question counts once. That takes one pass, and only the base generates. {} for encoders, and
    without questions.
    Source: locality, or specificity, of knowledge edits (Mitchell et al. 2022, arXiv:2110.11309, "drawdown"; Meng et
    al. 2022, arXiv:2202.05262), on questions that no record is about.

    Args:
        models: the base, the candidate, and the champion if there is one.
        questions: as `read_unrelated` gives them.
    """
    base = models.predictors[BASE]
    if not questions or not isinstance(base, Predictor):
        return {}
    expected = _base_answers(session, models, questions)
    shares = {
        name: _agreement(session, models, name, questions, expected)
        for name in (CANDIDATE, CHAMPION)
        if name in models.predictors
    }
    worst = min(range(len(questions)), key=shares[CANDIDATE].__getitem__)
    why = ""
    if shares[CANDIDATE][worst] < 1:
        why = _difference(models.predictors[CANDIDATE], questions[worst], expected[worst])
    return {"locality": Figure(n=len(questions), why=why, **{name: fmean(found) for name, found in shares.items()})}


def _base_answers(session: EvaluationSession, models: EvaluatedModels, questions: Sequence[str]) -> list[Generation]:
    def generate(numbers: list[int]) -> list[Generation]:
        return models.predictors[BASE].generate([questions[n] for n in numbers], TOKENS)

    entries = [["unrelated", Generation._fields, text, TOKENS] for text in questions]
    return [Generation(*one) for one in session.cache(models, BASE).get_or_compute(entries, generate)]


def _agreement(
    session: EvaluationSession,
    models: EvaluatedModels,
    name: str,
    questions: Sequence[str],
    expected: Sequence[Generation],
) -> list[float]:
    def agree(numbers: list[int]) -> list[float]:
        return models.predictors[name].agreement([questions[n] for n in numbers], [expected[n].ids for n in numbers])

    entries = [["agrees", question, answer.ids] for question, answer in zip(questions, expected, strict=True)]
    return session.cache(models, name).get_or_compute(entries, agree)


def _difference(model: Predictor, question: str, expected: Generation) -> str:
    """What a model answers to one question, and what the base does."""
    (own,) = model.generate([question], TOKENS)
    return f"{question!r} is answered {own.text[:SHOWN]!r}, by the base {expected.text[:SHOWN]!r}"
