"""The state that methods carry goes through the model folder into the next update."""

from pathlib import Path

import torch

from abreast.dataset.examples import write_jsonl
from abreast.learning.model_folder import read_carried_state
from abreast.learning.trainer import train
from tests.learning.project import example, promote, write_project

REMEMBER = [{"method": "ewc", "examples": 2, "decay": 0.5}, {"method": "orthogonal"}]


def test_the_next_update_reads_the_parents_state(tmp_path, tiny_base, monkeypatch):
    root = write_project(tmp_path / "project", tiny_base, regularizers=REMEMBER, epochs=3)
    monkeypatch.chdir(root)
    train.main()
    first = read_carried_state(Path("model"))
    assert {name.split("/")[0] for name in first} == {"ewc", "orthogonal"}
    parent = promote(root)
    write_jsonl(Path("data/train.jsonl"), [])
    train.main()
    second = read_carried_state(Path("model"))
    assert second.keys() == first.keys()
    assert all(torch.equal(second[name], first[name]) for name in first if name.startswith("ewc/"))
    write_jsonl(Path("data/train.jsonl"), [example("e", "6.6")])
    train.main()
    third = read_carried_state(Path("model"))
    assert third.keys() == first.keys()
    assert not any(torch.equal(third[name], first[name]) for name in first if name.startswith("ewc/"))
    assert read_carried_state(parent).keys() == first.keys()
