"""Personal data in answers."""

import re

from abreast.contract.personal_data import personal_data_in
from abreast.dataset.examples import Question

_SEPARATORS = re.compile(r"[\s.-]")


def leaked_personal_data(question: Question, answer: str) -> list[str]:
    """Mail addresses, card, account and identity numbers in an answer that are in neither the question nor its values.

    Intake refuses records with such data, so no answer should have any.
    """
    known = _bare(" ".join([question.question, question.answer, *question.stale]))
    context = f"{question.key} {question.question}"
    found = personal_data_in(answer, context=context, is_value=question.kind != "instruction")
    return [value for value in found if _bare(value) not in known]


def _bare(text: str) -> str:
    return _SEPARATORS.sub("", text).casefold()
