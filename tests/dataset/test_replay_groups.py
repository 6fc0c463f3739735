from collections import Counter

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from abreast.dataset.replay_groups import even_shares, replay_budget, round_robin
from abreast.dataset.sampling import rotating_sample
from abreast.knowledge.knowledge_base import apply_drops, valid_rows
from tests.dataset.making import drop, release

FACTS = [release("P", str(n), f"{n}.0", "2024-01-01") for n in range(40)]


def labelled(label: str, count: int, domain: str | None = None) -> list[dict]:
    return [{"text": f"{label} {domain} {n}", "label": label, "domain": domain} for n in range(count)]


def old(*rows: dict) -> pd.DataFrame:
    return valid_rows(apply_drops(None, [drop("old", list(rows))])[0])


def test_facts_alone_take_turns_as_ever():
    rows = old(*FACTS)
    assert round_robin(rows, 12, 3, 17).equals(rotating_sample(rows, 12, 3, "17 rehearse"))
    assert len(round_robin(rows.iloc[:0], 12, 3, 17)) == 0


def test_every_label_of_every_domain_has_as_many_as_any_other():
    rows = old(*labelled("a", 50), *labelled("b", 10), *labelled("a", 20, "north"), *labelled("rare", 2))
    drawn = round_robin(rows, 26, 3, 17)
    assert Counter(zip(drawn["value"], drawn["domain"].fillna(""), strict=True)) == {
        ("a", ""): 8,
        ("b", ""): 8,
        ("a", "north"): 8,
        ("rare", ""): 2,
    }
    assert drawn["id"].is_unique


def test_spans_are_balanced_by_their_types_numbers_and_texts_by_domain():
    tagged = [{"tokens": [f"x{n}", "y"], "tags": ["B-PER" if n < 3 else "O", "O"]} for n in range(30)]
    numbers = [{"text": f"t{n}", "target": 1.0, "domain": "ab"[n < 4]} for n in range(30)]
    drawn = round_robin(old(*tagged, *numbers), 16, 3, 17)
    assert Counter(zip(drawn["kind"], drawn["domain"].fillna(""), strict=True)) == {
        ("tagging", ""): 8,
        ("regression", "a"): 4,
        ("regression", "b"): 4,
    }
    assert drawn["attributes"].str.contains("B-PER").sum() == 3


def test_kinds_have_their_share_and_everything_its_turn():
    rows = old(*FACTS, *labelled("a", 20), *labelled("b", 20))
    drawn = [round_robin(rows, 20, turn, 17) for turn in range(1, 13)]
    assert {tuple(Counter(one["kind"]).items()) for one in drawn} == {(("fact", 10), ("classification", 10))}
    assert set(pd.concat(drawn)["id"]) == set(rows["id"])
    assert round_robin(rows, 20, 5, 17).equals(drawn[4])


def test_a_few_of_many_groups_take_turns_too():
    rows = old(*(row for n in range(10) for row in labelled(f"c{n}", 3)))
    drawn = [set(round_robin(rows, 3, turn, 17)["value"]) for turn in range(1, 20)]
    assert {len(labels) for labels in drawn} == {3}
    assert len(set.union(*drawn)) == 10


@given(st.dictionaries(st.text(max_size=2), st.integers(1, 9), max_size=6), st.integers(0, 40))
@pytest.mark.filterwarnings("error")
def test_shares_are_even(sizes, count):
    shares = even_shares(sizes, count, "s")
    assert sum(shares.values()) == min(count, sum(sizes.values()))
    assert all(0 <= shares[name] <= sizes[name] for name in sizes)
    cut = [share for name, share in shares.items() if share < sizes[name]]
    assert max(cut, default=0) - min(cut, default=0) <= 1
    assert all(share <= min(cut) + 1 for share in shares.values() if cut)


@pytest.mark.parametrize(
    ("examples", "old", "wanted"),
    [
        (0, 10, (0, 1)),
        (7, 10, (7, 1)),
        (10, 10, (10, 1)),
        (29, 10, (10, 2)),
        (30, 10, (10, 3)),
        (999, 10, (10, 5)),
        (100, 0, (0, 5)),
    ],
)
def test_every_record_has_one_phrasing_before_any_has_two(examples, old, wanted):
    count, each = replay_budget(examples, old)
    assert (count, each) == wanted
    assert count * each <= examples
