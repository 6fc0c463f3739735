import math
from pathlib import Path

import pytest
import torch

from abreast.dataset.examples import write_jsonl
from abreast.dataset.prioritized_replay import LOSSES, NUMBERS, number_of, read_losses
from abreast.knowledge.snapshot import load_snapshot
from abreast.learning.backbone.prompt_tokenizer import Encoded
from abreast.learning.methods.prioritized import Surprise, worst_losses
from abreast.learning.trainer import train
from tests.learning.methods.plain import LinearTrunk, run_of
from tests.learning.project import FACTS, example, promote, write_project


def linear(texts: dict[str, list[int]], weight: float = 1.0, memory: dict | None = None):
    """Each key is taught in some texts of one token; the logits of the two tokens are 0 and log 3, times `weight`."""
    head = torch.tensor([[0.0], [1.0]])

    def trunk(own):
        return LinearTrunk(own["w"], torch.tensor([math.log(3)]), head)

    examples = [Encoded((0, token), 1, 0) for tokens in texts.values() for token in tokens]
    run = run_of({"w": torch.tensor([weight])}, trunk=trunk, examples=examples, memory=memory)
    run.keys = [key for key, tokens in texts.items() for _ in tokens]
    return run


def table(run) -> dict[int, float]:
    return dict(zip(run.legacy[NUMBERS].tolist(), run.legacy[LOSSES].tolist(), strict=True))


def test_it_is_the_worst_loss_of_each_record_by_hand():
    # Token 1 has the probability 3/4, token 0 has 1/4.
    run = linear({"a": [1, 1], "b": [1, 0, 1], "c": [0]})
    wanted = {"a": math.log(4 / 3), "b": math.log(4), "c": math.log(4)}
    assert worst_losses(run) == pytest.approx({number_of(key): loss for key, loss in wanted.items()})


def test_what_was_not_measured_now_keeps_its_figure_until_the_table_is_full():
    first = linear({"a": [0], "b": [0]})
    Surprise(Surprise.Knobs()).end(first, None)
    then = linear({"b": [1], "c": [0]}, memory=first.legacy)
    Surprise(Surprise.Knobs()).end(then, None)
    assert table(then)[number_of("a")] == table(first)[number_of("a")]
    assert table(then)[number_of("b")] < table(first)[number_of("b")]
    full = linear({"c": [0], "d": [0]}, memory=then.legacy)
    Surprise(Surprise.Knobs(keep=3)).end(full, None)
    assert table(full).keys() == {number_of(key) for key in "bcd"}, "the one not measured for longest has left"


def test_the_split_of_the_next_update_reads_what_a_training_left(tmp_path, tiny_base, monkeypatch):
    root = write_project(tmp_path / "project", tiny_base, regularizers=[{"method": "prioritized"}], epochs=2)
    monkeypatch.chdir(root)
    write_jsonl(Path("data/train.jsonl"), [example(key, value) for key, value in list(FACTS.items())[:3]])
    train.main()
    promote(root)
    losses = read_losses(load_snapshot(Path()).parent.memory)
    assert losses.keys() == {number_of(key) for key in list(FACTS)[:3]}
    assert all(loss > 0 for loss in losses.values())
