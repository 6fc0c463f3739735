import csv
import gzip
import json

import pytest

from abreast.core.errors import AbreastError
from abreast.core.settings import Split
from abreast.dataset.split import held_out_questions, training_examples
from abreast.dataset.templates import load_templates
from abreast.knowledge.knowledge_base import apply_drops
from benchmarks.learn_stream import SOURCE
from benchmarks.stream_data import STREAMS, StreamSize, read_harmful_drop, read_stream
from tests.dataset.making import drop

INTENTS = [f"intent_{number:02d}" for number in range(25)]
SIZE = StreamSize(drops=3, rows=4, dev=1, asked=2)


@pytest.fixture
def bank(tmp_path):
    folder = tmp_path / "banking77"
    folder.mkdir()
    (folder / "categories.json").write_text(json.dumps(INTENTS))
    with (folder / "train.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("text", "category"))
        writer.writerows((f"Question {n}, about {intent}?\nPlease.", intent) for n in range(160) for intent in INTENTS)
    return tmp_path


@pytest.fixture
def tweets(tmp_path):
    (tmp_path / "broad-twitter").mkdir()
    for section in "abefgh":
        sentence = f"Ada\tB-PER\nof\tO\n \tO\n{section}{{}}\tB-LOC\n"
        (tmp_path / f"broad-twitter/{section}.conll").write_text("\n".join(map(sentence.format, range(200))))
    return tmp_path


def test_each_drop_brings_eleven_new_intents_in_the_order_of_the_categories(bank):
    drops = read_stream("banking77", bank, SIZE)
    assert [name for name, _ in drops] == ["intents 01-11", "intents 12-22", "intents 23-25"]
    labels = [list(dict.fromkeys(row["label"] for row in rows)) for _, rows in drops]
    assert labels == [INTENTS[:11], INTENTS[11:22], INTENTS[22:]]
    assert read_stream("banking77", bank, StreamSize(drops=1, rows=4, dev=1, asked=2)) == drops[:1]


def test_the_stages_teach_and_ask_as_many_rows_of_each_intent_as_the_size_says(bank):
    (_, rows) = read_stream("banking77", bank, SIZE)[1]
    base, changes = apply_drops(None, [drop("two", rows)])
    templates = load_templates(SOURCE / "abreast/dataset/templates.yaml")
    taught = [example.answer for example in training_examples(base, changes, templates, Split())]
    dev, questions = held_out_questions(base, changes, templates, Split())
    assert {intent: taught.count(intent) for intent in INTENTS[11:22]} == dict.fromkeys(INTENTS[11:22], 4)
    assert sorted(question.answer for question in dev) == INTENTS[11:22]
    assert sorted(question.answer for question in questions) == sorted(INTENTS[11:22] * 2)


def test_the_seed_draws_other_rows_and_always_the_same_ones(bank):
    first, again = (read_stream("banking77", bank, SIZE) for _ in range(2))
    assert first == again
    assert first != read_stream("banking77", bank, StreamSize(drops=3, rows=4, dev=1, asked=2, seed=18))


def test_each_section_of_tweets_is_a_drop_and_a_domain_in_the_order_of_the_readme(tweets):
    drops = read_stream("broad-twitter", tweets, StreamSize(drops=6, rows=5, dev=2, asked=2))
    assert [name for name, _ in drops] == ["a", "b", "f", "g", "e", "h"]
    for section, rows in drops:
        assert len(rows) == 9
        assert {row["domain"] for row in rows} == {section}
        assert all(row["tokens"][:2] == ["Ada", "of"] for row in rows), "a word of white space is left out"
        assert all(row["tags"] == ["B-PER", "O", "B-LOC"] for row in rows)


def test_the_products_with_the_fewest_facts_are_followed(tmp_path):
    (tmp_path / "lifecycle").mkdir()
    counts = {"few": 3, "small": 4, "large": 9}
    rows = [{"key": f"{p}/{n}", "value": "1", "product": p} for p, count in counts.items() for n in range(count)]
    for name in ("2023-01", "2023-04"):
        content = "\n".join(map(json.dumps, rows)).encode()
        (tmp_path / f"lifecycle/{name}.jsonl.gz").write_bytes(gzip.compress(content))
    drops = read_stream("lifecycle", tmp_path, StreamSize(drops=2, products=1))
    assert [(name, {row["product"] for row in rows}) for name, rows in drops] == [
        ("2023-01", {"small"}),
        ("2023-04", {"small"}),
    ]


def test_the_samples_need_no_data_from_outside(tmp_path):
    drops = read_stream("samples", tmp_path, STREAMS["samples"].size)
    assert [name[:2] for name, _ in drops] == ["01", "02", "03", "04", "05"]
    assert read_harmful_drop()[0] not in dict(drops)
    few = read_stream("samples", tmp_path, STREAMS["samples"].quick)
    assert len({row["product"] for _, rows in few for row in rows}) == 5
    assert all("value" in row for _, rows in [*drops, read_harmful_drop()] for row in rows)


@pytest.mark.parametrize("stream", ["lifecycle", "banking77", "broad-twitter"])
def test_missing_data_is_named_with_the_option_that_says_where_it_lies(tmp_path, stream):
    with pytest.raises(AbreastError, match=rf"{tmp_path}/{stream}.*--data"):
        read_stream(stream, tmp_path, STREAMS[stream].size)


def test_damaged_data_is_refused_with_the_line(bank, tweets):
    with (bank / "banking77/train.csv").open("a") as file:
        file.write("what?,no_such_intent\n")
    with pytest.raises(AbreastError, match=r"train.csv: row 4001: .*categories.json"):
        read_stream("banking77", bank, SIZE)
    (tweets / "broad-twitter/b.conll").write_text("Ada\tB-PER\nalone\n")
    with pytest.raises(AbreastError, match=r"b.conll: line 2: needs a word, a tab and a tag"):
        read_stream("broad-twitter", tweets, SIZE)


def test_a_size_that_leaves_nothing_is_refused(bank):
    with pytest.raises(AbreastError, match="banking77: drop intents 01-11 has no rows"):
        read_stream("banking77", bank, StreamSize(drops=1))
