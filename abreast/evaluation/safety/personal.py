"""Personal data in answers."""

import re

from abreast.contract.personal import personal_values
from abreast.dataset.examples import Question

_SEPARATORS = re.compile(r"[\s.-]")


def given_away(question: Question, answer: str) -> list[str]:
    """Mail addresses, card, account and identity numbers in an answer that neither the question nor any value that the
    records give for it holds; a record with such data is refused at the door, so that no answer should have any."""
    known = _bare(" ".join([question.question, question.answer, *question.stale]))
    told = f"{question.key} {question.question}"
    found = personal_values(answer, told=told, terse=question.kind != "instruction")
    return [value for value in found if _bare(value) not in known]


def _bare(text: str) -> str:
    return _SEPARATORS.sub("", text).casefold()
