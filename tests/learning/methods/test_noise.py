from collections import Counter

import pytest

from abreast.dataset.examples import Example
from abreast.dataset.typos import typed_badly
from abreast.learning.methods.noise import KINDS, Noise

ASKED = "When does support of release {key} end, and who decides?"


def lesson(number: int, kind: str = "fact", question: str = ASKED, role: str = "new") -> Example:
    key = f"k{number}"
    return Example(
        id=f"{key}-0",
        key=key,
        kind=kind,
        domain="",
        drop="0" * 64,
        role=role,
        question=question.format(key=key),
        answer="Answer it was.",
    )


def copies(lessons: list[Example], **knobs: object) -> list[Example]:
    """What is added to the lessons, which stay as they are."""
    rewritten = Noise(Noise.Knobs(**knobs)).rewrite(None, lessons)
    assert rewritten[: len(lessons)] == lessons
    return rewritten[len(lessons) :]


def test_only_the_question_is_disturbed_by_the_measures_own_errors_at_other_seeds():
    (copy,) = copies([lesson(1)], rate=0.2, share=1.0, seed=3)
    assert copy.question == typed_badly(lesson(1).question, 0.2, -4) != lesson(1).question
    assert copy.model_copy(update={"id": "k1-0", "question": lesson(1).question}) == lesson(1)
    assert all(copy.question != typed_badly(lesson(1).question, 0.2, seed) for seed in range(200))


def test_a_share_is_disturbed_always_the_same():
    lessons = [lesson(number) for number in range(400)]
    some = copies(lessons, share=0.3, rate=0.2)
    assert len(some) == pytest.approx(120, abs=30)
    assert copies(lessons, share=0.3, rate=0.2) == some
    assert {copy.key for copy in copies(lessons[::2], share=0.3, rate=0.2)} < {copy.key for copy in some}
    assert {copy.key for copy in copies(lessons, share=0.3, rate=0.2, seed=1)} != {copy.key for copy in some}


def test_what_answers_in_words_of_the_question_stays_and_so_does_raw_text():
    kinds = ("fact", "instruction", "classification", "tagging", "regression", "text")
    lessons = [lesson(number, kind, "" if kind == "text" else ASKED) for number, kind in enumerate(kinds)]
    assert Counter(copy.kind for copy in copies(lessons, rate=0.5, share=1.0)) == dict.fromkeys(KINDS, 1)


def test_a_question_that_cannot_be_mistyped_is_not_taught_twice():
    assert copies([lesson(1, question="3.12.1?")], rate=1.0, share=1.0) == []


def test_what_is_rehearsed_is_disturbed_as_rehearsed():
    assert {copy.role for copy in copies([lesson(1, role="rehearsed")], rate=0.5, share=1.0)} == {"rehearsed"}
