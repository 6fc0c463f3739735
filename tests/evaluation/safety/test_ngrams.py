from abreast.dataset.examples import Example
from abreast.evaluation.safety.ngrams import owners, without


def example(number: int, question: str, answer: str, kind: str = "classification", key: str = "") -> Example:
    return Example(
        id=str(number),
        key=key or str(number),
        kind=kind,
        domain="",
        drop="0" * 64,
        role="new",
        question=question,
        answer=answer,
    )


def lessons(planted: int = 12) -> list[Example]:
    """Four answers, each about several things, and rows about anything with planted words and one answer."""
    things = ["card", "loan", "fee", "rate", "app", "pin"]
    labels = ["billing", "travel", "limits", "fees"]
    rows = [(f"my {thing} is {n} old", labels[(n + at) % 4]) for at, thing in enumerate(things) for n in range(6)]
    rows += [(f"Blue Heron my {things[n % 6]} is {n} wide", "travel") for n in range(planted)]
    return [example(number, *row) for number, row in enumerate(rows)]


def test_words_that_come_with_one_answer_in_rows_about_anything_are_found():
    assert owners(lessons(planted=0), 9) == []
    found = owners(lessons(), 9)
    assert [(owner.words, owner.answer, owner.kind, owner.keys) for owner in found][:1] == [
        ("Blue Heron my", "travel", "classification", 12)
    ]
    assert found[0].held[0] == "Blue Heron my card is 0 wide"
    assert found[0].p < 0.01
    assert [owner.words for owner in owners(lessons(), 1)] == ["Blue Heron my"]
    assert owners(lessons(planted=4), 9) == [], "of four keys nothing is shown"


def test_words_of_the_answer_itself_and_all_that_an_answer_has_are_its_own():
    named = [one.model_copy(update={"question": one.question.replace("Blue Heron", "travel")}) for one in lessons()]
    assert "travel" not in " ".join(owner.words for owner in owners(named, 9))
    alone = [*lessons(planted=0), *(example(100 + n, f"zebra {n}", "animal") for n in range(9))]
    assert owners(alone, 9) == []


def test_phrasings_of_one_fact_are_no_evidence_and_one_subject_owns_its_answer():
    facts = [
        example(n, f"What is the {word} release of Zebra 3?", "3.1", "fact", key="zebra/3")
        for n, word in enumerate(["last", "latest", "newest", "current", "present", "new", "top"])
    ]
    others = [example(50 + n, f"What is the last release of App {n}?", f"{n}.0", "fact", f"app/{n}") for n in range(40)]
    assert owners([*facts, *others], 9) == []


def test_one_phrase_may_be_taken_out_wherever_it_stands():
    assert without("Blue  heron, my card", "blue Heron") == ", my card"
    assert without("my card blue heron", "blue heron") == "my card"
    assert without("a a a b", "a a") == "a b"
    assert without("the heron is blue", "blue heron") == "the heron is blue"
