import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from abreast.core.errors import AbreastError
from abreast.dataset.spans import Span, spans_of
from abreast.metrics.spans import span_f1

CASES = [json.loads(line) for line in Path(__file__).with_name("seqeval.jsonl").read_text().splitlines()]
"""Random tags of BIO and BIOES, well formed or not, with what seqeval 1.2.2 finds in them: the spans given and the F1.

seqeval itself is no dependency: it has been without a release since 2020 and its source package does not always build.
"""


def split(lines):
    return [line.split() for line in lines]


@pytest.mark.parametrize(
    ("tags", "spans"),
    [
        ("B-PER I-PER O B-LOC", [("PER", 0, 2), ("LOC", 3, 4)]),
        ("B-PER E-PER S-PER S-PER", [("PER", 0, 2), ("PER", 2, 3), ("PER", 3, 4)]),
        ("B-PER B-PER I-PER", [("PER", 0, 1), ("PER", 1, 3)]),
        ("I-PER I-PER O", [("PER", 0, 2)]),
        ("B-PER I-LOC", [("PER", 0, 1), ("LOC", 1, 2)]),
        ("B-out-of-date I-out-of-date", [("out-of-date", 0, 2)]),
        ("O O", []),
        ("", []),
    ],
)
def test_spans_as_conlleval_reads_them(tags, spans):
    assert spans_of(tags.split()) == [Span(*span) for span in spans]


def test_the_example_of_seqevals_manual():
    expected = ["O O O B-MISC I-MISC I-MISC O", "B-PER I-PER O"]
    chosen = ["O O B-MISC I-MISC I-MISC I-MISC O", "B-PER I-PER O"]
    assert span_f1(split(expected), split(chosen)) == 0.5


def test_seqeval_finds_the_same_spans():
    for case in CASES:
        assert [[list(span) for span in spans_of(tags)] for tags in split(case["given"])] == case["spans"]


def test_seqeval_gives_the_same_f1():
    assert len({round(case["f1"], 3) for case in CASES}) > 20
    for case in CASES:
        assert (span_f1(split(case["expected"]), split(case["given"])) or 0.0) == pytest.approx(case["f1"])


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from("AB"), st.integers(1, 4)), max_size=6))
def test_spans_written_as_bio_or_bioes_are_read_back(gaps):
    bio, bioes, spans = [], [], []
    for gap, kind, length in gaps:
        bio += ["O"] * gap
        bioes += ["O"] * gap
        spans.append(Span(kind, len(bio), len(bio) + length))
        bio += [f"B-{kind}"] + [f"I-{kind}"] * (length - 1)
        inner = [f"B-{kind}"] + [f"I-{kind}"] * (length - 2) + [f"E-{kind}"]
        bioes += [f"S-{kind}"] if length == 1 else inner
    assert spans_of(bio) == spans_of(bioes) == spans
    assert span_f1([bio], [bioes]) == (1.0 if spans else None)


@pytest.mark.parametrize("tag", ["PER", "X-PER", "B-", "", "-PER", "O-PER"])
def test_another_tag_is_refused_by_name(tag):
    with pytest.raises(AbreastError, match=f"tag '{tag}'"):
        spans_of(["O", tag])


def test_sentences_and_tokens_must_pair():
    with pytest.raises(AbreastError, match="sentence 2: 1 tags for 2 tokens"):
        span_f1([["O"], ["O", "O"]], [["O"], ["O"]])
    with pytest.raises(AbreastError, match="one to each"):
        span_f1([["O"]], [])


def test_no_span_anywhere_is_not_zero():
    assert span_f1([["O"]], [["O"]]) is None
    assert span_f1([["O"]], [["B-A"]]) == 0.0
