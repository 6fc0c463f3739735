import pytest
from hypothesis import given
from hypothesis import strategies as st

from abreast.core.errors import AbreastError
from abreast.core.settings import Split, parse_params
from abreast.dataset.fact_augmentation import augmented_questions
from abreast.dataset.split import held_out_questions, training_examples
from abreast.dataset.templates import load_templates
from abreast.knowledge.knowledge_base import apply_drops, known_values, superseded_values
from tests.dataset.making import drop, fact, release
from tests.dataset.test_templates import DEFAULT, SHIPPED
from tests.hypothesis_examples import trials

TEMPLATES = load_templates(SHIPPED)
MONTHS = ["2024-01-01", "2024-04-01", "2024-07-01"]
ALL = ("direct", "reverse", "contrast")
KNOBS = Split(replay_ratio=0.0, replay_min=20)


def stream(*drops: list[dict]):
    base = None
    for day, rows in enumerate(drops, start=1):
        base, changes = apply_drops(base, [drop(f"d{day}", rows, day)])
    return base, changes


def further(base, changes, ways=ALL, role="new") -> dict[str, set[tuple[str, str]]]:
    """What is taught beside the plain phrasings, by key."""
    found: dict[str, set[tuple[str, str]]] = {}
    for example in training_examples(base, changes, TEMPLATES, KNOBS, None, ways):
        if "further" in example.id and example.role == role:
            found.setdefault(example.key, set()).add((example.question, example.answer))
    return found


def test_only_direct_is_what_it_was():
    base, changes = stream([release("P", "1", "1.0", MONTHS[0])], [release("P", "1", "1.1", MONTHS[1])])
    plain = training_examples(base, changes, TEMPLATES, KNOBS)
    assert training_examples(base, changes, TEMPLATES, KNOBS, None, ("direct",)) == plain
    assert [e for e in training_examples(base, changes, TEMPLATES, KNOBS, None, ALL) if "further" not in e.id] == plain


def test_reverse_is_taught_where_the_value_names_one_key():
    rows = [release("P", "1", "1.0", MONTHS[0]), release("Q", "2", "2.0", MONTHS[0]), fact("k", "only")]
    rows += [release("R", "3", "b7", MONTHS[0]), release("S", "3", "B7", MONTHS[0])]
    base, changes = stream([release("Q", "1", "1.0", "2023-01-01"), release("T", "1", "2.0", "2023-01-01")], rows)
    # 1.0 and 2.0 are there twice, one of each from before; b7 in two ways of writing.
    assert further(base, changes, ("direct", "reverse")) == {
        "k": {("What has the value only?", "k"), ("only is the value of what?", "k")}
    }
    base, changes = apply_drops(base, [drop("d3", [release("Q", "1", "1.9", MONTHS[1])], 3)])
    assert further(base, changes, ("direct", "reverse"))["q/1/latest"] == {
        ("1.9 is the newest release of what?", "Q 1"),
        ("What has 1.9 as its newest release?", "Q 1"),
    }
    (again,) = further(base, changes, ("direct", "reverse"), "replayed")["p/1/latest"]
    assert again[1] == "P 1", "no other key has 1.0 any more; one question by turns"


def test_contrast_is_taught_of_what_has_changed_against_the_value_before():
    rows = [fact("a", "old"), fact("b", "kept"), fact("c", "gone")]
    told = [fact("a", "new", "2024-05-01"), fact("c", None, "2024-05-01"), fact("d", "first")]
    base, changes = stream(rows, told)
    assert further(base, changes, ("direct", "contrast")) == {
        "a": {
            ("Is a still old?", "no, new"),
            ("Is a still new?", "yes"),
            ("a: is it old?", "no, new"),
            ("a: is it new?", "yes"),
        },
        "c": {("Is c still gone?", "no, withdrawn"), ("c: is it gone?", "no, withdrawn")},
    }
    base, changes = apply_drops(base, [drop("d3", [fact("a", "newest", "2024-06-01")], 3)])
    assert ("Is a still new?", "no, newest") in further(base, changes)["a"]
    assert not any("old?" in question for question, _ in further(base, changes)["a"])


VALUES = st.sampled_from(["1", "2", "3", None])
ROWS = st.lists(st.tuples(st.integers(0, 5), VALUES, st.sampled_from(MONTHS)), min_size=1, max_size=6)


@trials(20)
@given(st.lists(ROWS, min_size=1, max_size=4))
def test_no_way_ever_answers_with_what_was_superseded_or_teaches_a_question_that_is_asked(drops):
    base = None
    for day, rows in enumerate(drops, start=1):
        unique = {(number, month): value for number, value, month in rows}
        told = [release("P", str(number), value, month) for (number, month), value in unique.items()]
        base, changes = apply_drops(base, [drop(f"d{day}", told, day)])
        present, former = known_values(base), superseded_values(base, known_values(base))
        examples = training_examples(base, changes, TEMPLATES, KNOBS, None, ALL)
        asked = {question.question for part in held_out_questions(base, changes, TEMPLATES, KNOBS) for question in part}
        assert not asked & {example.question for example in examples}
        for example in examples:
            now, name = present[example.key] or "withdrawn", f"P {example.key.split('/')[1]}"
            assert example.answer not in former[example.key]
            assert example.answer in (now, f"no, {now}", "yes", name)
            claims = {"yes": [now], f"no, {now}": former[example.key]}.get(example.answer, [])
            contrasts = {f"Is {claim} still the newest {name}?" for claim in claims}
            contrasts |= {f"{name}: is {claim} the newest release?" for claim in claims}
            assert not claims or example.question in contrasts
            assert example.answer != name or [*present.values()].count(now) == 1
        assert len({example.id for example in examples}) == len(examples)


def test_a_way_without_phrasings_is_refused(tmp_path):
    (tmp_path / "t.yaml").write_text("fields:\n" + DEFAULT)
    base, _ = stream([fact("a", "1")])
    with pytest.raises(
        AbreastError, match=r"knowledge\.question_forms: reverse, but no field of .* has phrasings `reverse`"
    ):
        augmented_questions(base, base, load_templates(tmp_path / "t.yaml"), ("direct", "reverse"))


@pytest.mark.parametrize("ways", [["reverse"], ["direct", "direct"], []])
def test_direct_is_always_taught(ways):
    with pytest.raises(
        AbreastError, match=r"knob `knowledge\.question_forms` is .*: value error, must contain `direct`, and each"
    ):
        parse_params({"knowledge": {"question_forms": ways}})
