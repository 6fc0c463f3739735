from collections import Counter

import pytest

from abreast.dataset.examples import Example
from abreast.dataset.typos import with_typos
from abreast.learning.methods.noise import KINDS, Noise

ASKED = "When does support of release {key} end, and who decides?"


def new_example(number: int, kind: str = "fact", question: str = ASKED, role: str = "new") -> Example:
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


def copies(examples: list[Example], **knobs: object) -> list[Example]:
    """What is added to the examples, which stay as they are."""
    mapped = Noise(Noise.Knobs(**knobs)).map_examples(None, examples)
    assert mapped[: len(examples)] == examples
    return mapped[len(examples) :]


def test_only_the_question_is_mistyped_with_seeds_that_no_measure_uses():
    (copy,) = copies([new_example(1)], rate=0.2, share=1.0, seed=3)
    assert copy.question == with_typos(new_example(1).question, 0.2, -4) != new_example(1).question
    assert copy.model_copy(update={"id": "k1-0", "question": new_example(1).question}) == new_example(1)
    assert all(copy.question != with_typos(new_example(1).question, 0.2, seed) for seed in range(200))


def test_the_same_share_is_mistyped_each_time():
    examples = [new_example(number) for number in range(400)]
    some = copies(examples, share=0.3, rate=0.2)
    assert len(some) == pytest.approx(120, abs=30)
    assert copies(examples, share=0.3, rate=0.2) == some
    assert {copy.key for copy in copies(examples[::2], share=0.3, rate=0.2)} < {copy.key for copy in some}
    assert {copy.key for copy in copies(examples, share=0.3, rate=0.2, seed=1)} != {copy.key for copy in some}


def test_tagging_and_raw_text_are_not_mistyped():
    kinds = ("fact", "instruction", "classification", "tagging", "regression", "text")
    examples = [new_example(number, kind, "" if kind == "text" else ASKED) for number, kind in enumerate(kinds)]
    assert Counter(copy.kind for copy in copies(examples, rate=0.5, share=1.0)) == dict.fromkeys(KINDS, 1)


def test_a_question_that_cannot_be_mistyped_is_not_taught_twice():
    assert copies([new_example(1, question="3.12.1?")], rate=1.0, share=1.0) == []


def test_replayed_examples_stay_replayed():
    assert {copy.role for copy in copies([new_example(1, role="replayed")], rate=0.5, share=1.0)} == {"replayed"}
