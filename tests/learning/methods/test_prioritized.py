import math
from pathlib import Path

import pytest
import torch

from abreast.dataset.examples import write_jsonl
from abreast.dataset.loss_table import LOSSES, NUMBERS, loss_key, read_losses
from abreast.knowledge.snapshot import load_snapshot
from abreast.learning.backbone.prompt_tokenizer import TokenizedExample
from abreast.learning.methods.prioritized import Prioritized, worst_losses
from abreast.learning.trainer import train
from tests.learning.methods.linear_run import LinearBackbone, run_of
from tests.learning.project import FACTS, example, promote, write_project


def linear(texts: dict[str, list[int]], weight: float = 1.0, inherited_state: dict | None = None):
    """Each key is taught in some texts of one token; the logits of the two tokens are 0 and log 3, times `weight`."""
    head = torch.tensor([[0.0], [1.0]])

    def backbone(own):
        return LinearBackbone(own["w"], torch.tensor([math.log(3)]), head)

    examples = [TokenizedExample((0, token), 1, 0) for tokens in texts.values() for token in tokens]
    run = run_of({"w": torch.tensor([weight])}, backbone=backbone, examples=examples, inherited_state=inherited_state)
    run.keys = [key for key, tokens in texts.items() for _ in tokens]
    return run


def table(run) -> dict[int, float]:
    return dict(zip(run.carried_state[NUMBERS].tolist(), run.carried_state[LOSSES].tolist(), strict=True))


def test_it_records_the_worst_loss_of_each_record():
    # Token 1 has the probability 3/4, token 0 has 1/4.
    run = linear({"a": [1, 1], "b": [1, 0, 1], "c": [0]})
    wanted = {"a": math.log(4 / 3), "b": math.log(4), "c": math.log(4)}
    assert worst_losses(run) == pytest.approx({loss_key(key): loss for key, loss in wanted.items()})


def test_unmeasured_records_keep_their_loss_until_the_table_is_full():
    first = linear({"a": [0], "b": [0]})
    Prioritized(Prioritized.Knobs()).on_train_end(first, None)
    then = linear({"b": [1], "c": [0]}, inherited_state=first.carried_state)
    Prioritized(Prioritized.Knobs()).on_train_end(then, None)
    assert table(then)[loss_key("a")] == table(first)[loss_key("a")]
    assert table(then)[loss_key("b")] < table(first)[loss_key("b")]
    full = linear({"c": [0], "d": [0]}, inherited_state=then.carried_state)
    Prioritized(Prioritized.Knobs(keep=3)).on_train_end(full, None)
    assert table(full).keys() == {loss_key(key) for key in "bcd"}, "the record not measured for longest is dropped"


def test_the_split_of_the_next_update_reads_the_table(tmp_path, tiny_base, monkeypatch):
    root = write_project(tmp_path / "project", tiny_base, regularizers=[{"method": "prioritized"}], epochs=2)
    monkeypatch.chdir(root)
    write_jsonl(Path("data/train.jsonl"), [example(key, value) for key, value in list(FACTS.items())[:3]])
    train.main()
    promote(root)
    losses = read_losses(load_snapshot(Path()).parent.carried_state)
    assert losses.keys() == {loss_key(key) for key in list(FACTS)[:3]}
    assert all(loss > 0 for loss in losses.values())
