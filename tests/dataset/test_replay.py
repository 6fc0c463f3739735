import json
import math
from collections import Counter
from pathlib import Path
from typing import get_args

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file

from abreast.core.errors import AbreastError
from abreast.core.settings import Params, Split, Train, parse_params
from abreast.dataset import split
from abreast.dataset.examples import read_examples
from abreast.dataset.loss_table import LOSSES, NUMBERS, loss_key, read_losses
from abreast.dataset.replay import MIN_LOSS, REPLAY_METHODS, select_replay
from abreast.dataset.replay_groups import round_robin
from abreast.dataset.split import training_examples
from abreast.dataset.templates import load_templates
from abreast.knowledge import assemble
from abreast.knowledge.knowledge_base import apply_drops, known_values, superseded_values, valid_rows
from tests.dataset.making import clone, drop, fact, release
from tests.dataset.test_templates import SHIPPED
from tests.hypothesis_examples import trials

MONTHS = ["2024-01-01", "2024-04-01", "2024-07-01"]
TEMPLATES = load_templates(SHIPPED)


def facts(count: int, product: str = "P", field: str = "latest", first: int = 0) -> list[dict]:
    return [release(product, str(n), f"{n}.0", MONTHS[0], field) for n in range(first, first + count)]


def old(*drops: list[dict]):
    return valid_rows(apply_drops(None, [drop(f"d{day}", rows, day) for day, rows in enumerate(drops, start=1)])[0])


def drawn(how: str, rows, count: int = 10, turn: int = 1, seed: int = 17, losses: dict | None = None) -> set[str]:
    return set(select_replay(how, rows, count, turn, seed, losses)["key"])


def test_the_knob_offers_every_choice_and_turns_is_what_it_was():
    assert set(get_args(Split.model_fields["replay"].annotation)) == set(REPLAY_METHODS)
    rows = old(facts(40))
    assert Split().replay == "round_robin"
    assert select_replay("round_robin", rows, 12, 3, 17).equals(round_robin(rows, 12, 3, 17))


VALUES = st.sampled_from(["1", "2", "3", None])
ROWS = st.lists(st.tuples(st.integers(0, 9), VALUES, st.sampled_from(MONTHS)), min_size=1, max_size=8)


@trials(40)
@given(
    st.lists(ROWS, min_size=1, max_size=4),
    st.sampled_from(sorted(REPLAY_METHODS)),
    st.integers(0, 12),
    st.integers(0, 3),
)
def test_no_replay_ever_returns_what_was_superseded_or_withdrawn(stream, how, count, seed):
    base, losses = None, {loss_key(f"p/{number}/latest"): float(number) for number in range(5)}
    knobs = Split(replay=how, replay_ratio=0.0, replay_min=count, seed=seed)
    for day, rows in enumerate(stream, start=1):
        unique = {(number, month): value for number, value, month in rows}
        told = [release("P", str(number), value, month) for (number, month), value in unique.items()]
        base, changes = apply_drops(base, [drop(f"d{day}", told, day)])
        present, former = known_values(base), superseded_values(base, known_values(base))
        examples = training_examples(base, changes, TEMPLATES, knobs, losses)
        again = [example for example in examples if example.role == "replayed"]
        assert all(present[example.key] == example.answer for example in again)
        assert not any(example.answer in former[example.key] for example in again)
        keys = {example.key for example in again}
        assert not keys & set(changes["key"])
        holds = set(valid_rows(base)["key"]) - set(changes["key"])
        assert len(keys) == (0 if how == "none" else min(count, len(holds)))


def test_a_reservoir_is_uniform():
    rows, count, rounds = old(facts(20)), 5, 2000
    times = Counter(key for seed in range(rounds) for key in drawn("reservoir", rows, count, 1, seed))
    wanted = rounds * count / 20
    # Chi-square of sampling without replacement, 19 degrees of freedom: above 43.8 once in a thousand.
    assert sum((times[key] - wanted) ** 2 for key in rows["key"]) / (wanted * (1 - count / 20)) * 19 / 20 < 43.8


def test_a_reservoir_stays_until_others_displace_it_whatever_the_turn():
    first = drawn("reservoir", old(facts(50)), turn=1)
    assert drawn("reservoir", old(facts(50)), turn=2) == first
    later = drawn("reservoir", old(facts(50), facts(50, first=50)), turn=2)
    assert later & {f"p/{n}/latest" for n in range(50)} < first
    ended = sorted(first)[0]
    without = drawn("reservoir", old(facts(50), [fact(ended, None, MONTHS[1])]), turn=2)
    assert without > first - {ended}
    assert len(without) == 10


def test_balanced_has_as_many_of_each_kind_domain_and_class():
    rows = facts(60) + facts(9, field="eol") + [fact(f"k{n}", "v", domain="south") for n in range(3)]
    rows += [{"text": f"t{n}", "label": "ab"[n % 5 == 0], "domain": "north"} for n in range(40)]
    chosen = select_replay("balanced", old(rows), 28, 4, 17)
    told = Counter(zip(chosen["kind"], chosen["domain"].fillna(""), chosen["key"].str[-3:], strict=True))
    labels = Counter(chosen.loc[chosen["kind"] == "classification", "value"])
    assert told["fact", "", "est"] in (6, 7)
    assert abs(told["fact", "", "eol"] - told["fact", "", "est"]) <= 1
    assert sum(number for (kind, domain, _), number in told.items() if domain == "south") == 3
    assert max(labels.values()) - min(labels.values()) <= 1
    assert len(chosen) == 28
    turns = [drawn("balanced", old(facts(60)), 10, turn) for turn in range(1, 15)]
    assert len(set.union(*turns)) == 60, "every record has its turn"


def test_prioritized_replays_the_worst_most_often_and_leaves_nothing_out_for_ever():
    rows, rounds = old(facts(10)), 1500
    losses = {loss_key(key): 2.0 if key == "p/3/latest" else 0.05 for key in rows["key"]}
    first = Counter(key for turn in range(rounds) for key in drawn("prioritized", rows, 1, turn, losses=losses))
    chance = (2.0 + MIN_LOSS) / (2.0 + MIN_LOSS + 9 * (0.05 + MIN_LOSS))
    assert first["p/3/latest"] / rounds == pytest.approx(chance, abs=4 * math.sqrt(chance * (1 - chance) / rounds))
    assert len(first) == 10


def test_prioritized_treats_an_unmeasured_record_as_the_worst():
    rows, rounds = old(facts(4)), 1000
    losses = {loss_key(f"p/{n}/latest"): loss for n, loss in enumerate([0.1, 0.1, 1.0])}
    first = Counter(key for turn in range(rounds) for key in drawn("prioritized", rows, 1, turn, losses=losses))
    assert first["p/3/latest"] == pytest.approx(first["p/2/latest"], rel=0.2)
    assert first["p/3/latest"] > 3 * first["p/0/latest"]
    assert drawn("prioritized", rows, 9) == set(rows["key"])


def test_losses_are_read_from_the_memory_of_a_model(tmp_path):
    memory = tmp_path / "memory.safetensors"
    assert read_losses(memory) == {}
    save_file({"ewc/w": torch.zeros(2)}, memory)
    assert read_losses(memory) == {}
    numbers = torch.tensor([loss_key("a"), loss_key("b")])
    save_file({NUMBERS: numbers, LOSSES: torch.tensor([0.5, 2.0])}, memory)
    assert read_losses(memory) == {loss_key("a"): 0.5, loss_key("b"): 2.0}
    memory.write_bytes(b"nonsense")
    with pytest.raises(AbreastError, match=r"memory\.safetensors: not the carried state of a model"):
        read_losses(memory)


def test_prioritized_without_the_method_that_measures_is_refused():
    with pytest.raises(AbreastError) as refusal:
        parse_params({"split": {"replay": "prioritized"}})
    assert str(refusal.value).startswith(
        "params.yaml: `split.replay: prioritized` needs {method: prioritized} in `train.reg"
    )
    Params(split=Split(replay="prioritized"), train=Train(regularizers=({"method": "prioritized"},)))
    with pytest.raises(AbreastError, match=r"knob `split.replay` is 'last'"):
        parse_params({"split": {"replay": "last"}})


def test_the_stage_draws_by_what_the_parent_left(tmp_path, monkeypatch):
    one = clone(tmp_path / "one", [drop("d1", facts(20), 1)])
    monkeypatch.chdir(one)
    assemble.main()
    two = clone(tmp_path / "two", [drop("d2", facts(1, "Q"), 2)], parent=one / "data/knowledge.parquet")
    monkeypatch.chdir(two)
    knobs = json.loads(Path("params.yaml").read_text())
    knobs |= {"split": {"replay": "prioritized", "replay_ratio": 0.0, "replay_min": 1}}
    Path("params.yaml").write_text(json.dumps(knobs | {"train": {"regularizers": [{"method": "prioritized"}]}}))
    Path("data/parent/model").mkdir()
    losses = {loss_key(f"p/{n}/latest"): 1000.0 if n == 13 else 0.0 for n in range(20)}
    table = {NUMBERS: torch.tensor(list(losses)), LOSSES: torch.tensor(list(losses.values()))}
    save_file(table, "data/parent/model/memory.safetensors")
    assemble.main()
    split.main()
    taught = read_examples(Path("data/train.jsonl"))
    assert {example.key for example in taught if example.role == "replayed"} == {"p/13/latest"}
