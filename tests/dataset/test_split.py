import itertools
import shutil

from hypothesis import given
from hypothesis import strategies as st

from abreast.core.settings import Split
from abreast.dataset import split
from abreast.dataset.examples import read_examples, read_questions
from abreast.dataset.split import held_out_questions, split_counts, training_examples
from abreast.dataset.templates import load_templates
from abreast.knowledge import assemble
from abreast.knowledge.knowledge_base import apply_drops, known_values, superseded_values
from tests.dataset.making import clone, drop, fact, release
from tests.dataset.test_templates import SHIPPED
from tests.hypothesis_examples import trials

TEMPLATES = load_templates(SHIPPED)
SPLIT = Split()
MONTHS = ["2024-01-01", "2024-04-01", "2024-07-01", "2024-10-01"]


def _first(count=30):
    return drop("first", [release("P", str(n), f"{n}.0", MONTHS[0]) for n in range(count)], 1)


def _second():
    rows = [release("P", str(n), f"{n}.1", MONTHS[1]) for n in range(5)]
    rows += [release("P", "5", None, MONTHS[1]), release("Q", "1", "1.0", MONTHS[1])]
    return drop("second", rows, 2)


def test_first_drop_is_taught_in_every_training_phrasing():
    base, changes = apply_drops(None, [_first()])
    examples = training_examples(base, changes, TEMPLATES, SPLIT)
    dev, questions = held_out_questions(base, changes, TEMPLATES, SPLIT)
    assert len(examples) == 30 * len(TEMPLATES.fields["latest"].train)
    assert {example.role for example in examples} == {"new"}
    assert len({example.id for example in examples}) == len(examples)
    assert {question.scope for question in questions} == {"current"}
    assert len(dev) == 30
    assert len({question.question for question in questions}) == 90, "each in all three phrasings of test"


def test_second_drop_replays_only_what_still_holds():
    base, _ = apply_drops(None, [_first()])
    base, changes = apply_drops(base, [_second()])
    examples = training_examples(base, changes, TEMPLATES, Split(replay_ratio=1.0, replay_min=10))
    counts = split_counts(examples, *held_out_questions(base, changes, TEMPLATES, SPLIT))
    assert counts["new_keys"] == 7
    assert counts["replayed_keys"] == counts["replayed_examples"] == 24, "35 examples, so each of 24 has one phrasing"
    assert counts["current_questions"] == 3 * 7
    assert counts["retained_questions"] == 3 * 24
    assert counts["questions_with_stale"] == 3 * 6
    replayed = {example.key for example in examples if example.role == "replayed"}
    assert not replayed & {f"p/{n}/latest" for n in range(6)}


def test_withdrawn_key_is_taught_and_asked_as_withdrawn():
    base, _ = apply_drops(None, [_first()])
    base, changes = apply_drops(base, [_second()])
    taught = [e for e in training_examples(base, changes, TEMPLATES, SPLIT) if e.key == "p/5/latest"]
    assert {example.answer for example in taught} == {"withdrawn"}
    _, questions = held_out_questions(base, changes, TEMPLATES, SPLIT)
    asked = next(question for question in questions if question.key == "p/5/latest")
    assert (asked.answer, asked.stale, asked.scope) == ("withdrawn", ("5.0",), "current")


def test_questions_stay_the_same_for_as_long_as_the_fact_is_valid():
    base, changes = apply_drops(None, [_first()])
    _, before = held_out_questions(base, changes, TEMPLATES, SPLIT)
    base, changes = apply_drops(base, [_second()])
    _, after = held_out_questions(base, changes, TEMPLATES, SPLIT)
    retained = {q.id: (q.key, q.question, q.answer) for q in after if q.scope == "retained"}
    asked = {q.id: (q.key, q.question, q.answer) for q in before}
    assert retained == {name: asked[name] for name in retained}
    assert len(retained) == 3 * 24
    _, fewer = held_out_questions(base, changes, TEMPLATES, Split(retained_questions=50))
    fewer = {q.id: (q.key, q.question, q.answer) for q in fewer if q.scope == "retained"}
    assert len(fewer) == 2 * 24
    assert fewer.items() <= retained.items()
    assert {(q.scope, q.drop_name, q.arrived_at[:10]) for q in after} == {
        ("retained", "first", "2024-06-01"),
        ("current", "second", "2024-06-02"),
    }


def test_questions_are_bounded_by_the_knobs():
    knobs = Split(current_questions=4, retained_questions=6)
    base, _ = apply_drops(None, [_first()])
    base, changes = apply_drops(base, [_second()])
    _, questions = held_out_questions(base, changes, TEMPLATES, knobs)
    scopes = [question.scope for question in questions]
    assert (scopes.count("current"), scopes.count("retained")) == (4, 6)


def _instructions(count):
    return drop("pairs", [{"prompt": f"Question {n}?", "completion": f"Answer {n}."} for n in range(count)], 3)


def test_instructions_are_held_out_whole():
    base, changes = apply_drops(None, [_instructions(200)])
    examples = training_examples(base, changes, TEMPLATES, SPLIT)
    dev, questions = held_out_questions(base, changes, TEMPLATES, SPLIT)
    parts = [{line.question for line in lines} for lines in (examples, dev, questions)]
    assert sum(len(part) for part in parts) == len(set.union(*parts)) == 200
    assert 8 <= len(parts[2]) <= 32
    assert {example.answer for example in examples} <= {f"Answer {n}." for n in range(200)}


def test_messages_are_asked_with_what_went_before():
    turns = [("system", "Be short."), ("user", "Hi"), ("assistant", "Hello.")]
    rows = [
        {"key": f"k{n}", "messages": [{"role": r, "content": c} for r, c in turns[start:]]}
        for n, start in itertools.product(range(9), (0, 1))
        if n % 2 == start
    ]
    base, changes = apply_drops(None, [drop("talk", rows)])
    examples = training_examples(base, changes, TEMPLATES, SPLIT)
    assert {example.question for example in examples} == {"Hi", "system: Be short.\nuser: Hi"}
    assert {example.answer for example in examples} == {"Hello."}


def test_raw_text_is_taught_and_measured_but_not_asked():
    base, changes = apply_drops(None, [drop("texts", [{"text": f"Day {n} was dry."} for n in range(100)])])
    examples = training_examples(base, changes, TEMPLATES, SPLIT)
    dev, questions = held_out_questions(base, changes, TEMPLATES, SPLIT)
    assert {line.question for line in (*examples, *dev, *questions)} == {""}
    assert len(examples) + len(dev) + len(questions) == len({x.answer for x in (*examples, *dev, *questions)}) == 100


def test_questions_carry_what_they_are_sliced_by():
    rows = [{"text": f"t{n}", "target": n, "domain": "north", "source": "s"} for n in range(60)]
    base, changes = apply_drops(None, [drop("numbers", rows)])
    _, questions = held_out_questions(base, changes, TEMPLATES, SPLIT)
    assert {(q.kind, q.domain, q.source) for q in questions} == {("regression", "north", "s")}


def test_former_answers_of_a_key_are_stale_in_the_form_in_which_they_were_taught():
    keys = [f"k{n}" for n in range(60)]
    base = None
    for day, (target, tag) in enumerate([(1.0, "B-A"), (2.50, "B-B"), (1.0, "B-B")], start=1):
        rows = [{"key": key, "text": key, "target": target, "as_of": MONTHS[day]} for key in keys]
        rows += [{"key": f"s{key}", "tokens": [key], "tags": [tag], "as_of": MONTHS[day]} for key in keys]
        base, changes = apply_drops(base, [drop(f"d{day}", rows, day)])
    _, questions = held_out_questions(base, changes, TEMPLATES, SPLIT)
    assert {(q.answer, q.stale) for q in questions if q.kind == "regression"} == {("1", ("2.5",))}
    base, changes = apply_drops(base, [drop("d4", [fact(key, None, "2025-01-01") for key in keys], 4)])
    _, questions = held_out_questions(base, changes, TEMPLATES, SPLIT)
    assert {(q.answer, q.stale) for q in questions if q.scope == "current"} == {("withdrawn", ("1", "2.5"))}
    tagged = {(q.answer, q.stale) for q in questions if q.kind == "tagging"}
    assert tagged == {(f"B: {q.question}", (f"A: {q.question}",)) for q in questions if q.kind == "tagging"}


def _record(number: int, value: int, month: str) -> dict:
    """A record of one of four kinds, told by its number, that says `value`."""
    common = {"key": f"k{number}", "as_of": month}
    match number % 4:
        case 0:
            return {**common, "text": f"text {number}", "label": f"v{value}"}
        case 1:
            return {**common, "tokens": ["a", f"n{number}"], "tags": ["O", f"B-v{value}"]}
        case 2:
            return {**common, "text": f"number {number}", "target": float(value)}
        case _:
            return {**common, "text": f"raw {number} says v{value}"}


KEYED = st.lists(st.tuples(st.integers(0, 39), st.integers(0, 2), st.sampled_from(MONTHS)), min_size=1, max_size=12)


@trials(40)
@given(st.lists(KEYED, min_size=1, max_size=4), st.sampled_from([0, 4, 50]))
def test_no_superseded_record_of_any_kind_is_ever_taught(stream, replayed):
    base, latest = None, {}
    for day, rows in enumerate(stream, start=1):
        unique = {(number, month): value for number, value, month in rows}
        base, changes = apply_drops(base, [drop(f"d{day}", [_record(n, v, m) for (n, m), v in unique.items()], day)])
        for (number, month), value in unique.items():
            latest[f"k{number}"] = max(latest.get(f"k{number}", ("", 0, 0)), (month, day, value))
        examples = training_examples(base, changes, TEMPLATES, Split(replay_ratio=0.0, replay_min=replayed))
        dev, questions = held_out_questions(base, changes, TEMPLATES, SPLIT)
        for line in (*examples, *dev, *questions):
            assert line.answer == _answer(line.key, latest[line.key][2])
        assert not {example.key for example in examples} & {question.key for question in (*dev, *questions)}


def _answer(key: str, value: int) -> str:
    number = int(key[1:])
    return (f"v{value}", f"v{value}: n{number}", f"{value}", f"raw {number} says v{value}")[number % 4]


VALUES = st.sampled_from(["1", "2", "3", None])
ROWS = st.lists(st.tuples(st.integers(0, 7), VALUES, st.sampled_from(MONTHS)), min_size=1, max_size=8)
KNOBS = st.builds(Split, seed=st.integers(0, 3), replay_ratio=st.sampled_from([0.0, 1.0]), replay_min=st.integers(0, 8))


@trials(40)
@given(st.lists(ROWS, min_size=1, max_size=4), KNOBS)
def test_nothing_superseded_is_ever_taught_and_no_test_phrasing_is(stream, knobs):
    base = None
    for day, rows in enumerate(stream, start=1):
        unique = {(number, month): value for number, value, month in rows}
        facts = [release("P", str(number), value, month) for (number, month), value in unique.items()]
        base, changes = apply_drops(base, [drop(f"d{day}", facts, day)])
        examples = training_examples(base, changes, TEMPLATES, knobs)
        dev, questions = held_out_questions(base, changes, TEMPLATES, knobs)
        present = known_values(base)
        assert all(example.answer == (present[example.key] or "withdrawn") for example in examples)
        replayed = {example.key for example in examples if example.role == "replayed"}
        assert not replayed & set(changes["key"])
        assert all(present[key] is not None for key in replayed)
        assert not {e.question for e in examples} & {q.question for q in (*dev, *questions)}
        stale = superseded_values(base, present)
        assert all(list(question.stale) == stale[question.key] for question in questions)
        assert all(question.answer not in question.stale for question in questions)


def _run(root, monkeypatch):
    monkeypatch.chdir(root)
    assemble.main()
    split.main()


def test_stages_from_drop_to_lessons_without_reading_an_old_drop(tmp_path, monkeypatch):
    one = clone(tmp_path / "one", [_first()])
    _run(one, monkeypatch)
    shutil.rmtree(one / "data/drops")
    two = clone(tmp_path / "two", [_second()], parent=one / "data/knowledge.parquet")
    _run(two, monkeypatch)
    assert [path.name for path in (two / "data/drops").iterdir()] == [_second()[0].digest]
    examples = read_examples(two / "data/train.jsonl")
    assert {example.role for example in examples} == {"new", "replayed"}
    assert len(read_questions(two / "data/questions.jsonl")) == 3 * 31
    assert (two / "reports/assemble.json").read_text().count('"withdrawn": 1')
    assert (two / "reports/split.json").exists()


def test_stages_give_the_same_bytes_again(tmp_path, monkeypatch):
    outputs = []
    for name in ("one", "two"):
        root = clone(tmp_path / name, [_second(), _first()][:: 1 if name == "one" else -1])
        _run(root, monkeypatch)
        files = sorted(p for p in root.rglob("*") if p.is_file() and p.name != "snapshot.json")
        outputs.append({str(p.relative_to(root)): p.read_bytes() for p in files})
    assert outputs[0] == outputs[1]
