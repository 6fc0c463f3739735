import json

import pytest
import torch

from abreast.core.errors import AbreastError
from abreast.learning.trainer.checkpoint import Checkpoints, Progress, optimizer_tensors, restore_optimizer


def progress(steps: int) -> Progress:
    return Progress(0, [[1, 2]], 1, steps, 10, [0], [1], [0.5, -0.1], 0, 0, [1.0], [])


def test_the_newest_is_kept_and_loaded(tmp_path):
    checkpoints = Checkpoints(tmp_path / "c")
    for steps in (9, 10):
        checkpoints.save(progress(steps), {"w": torch.full((2,), float(steps))})
    assert [path.name for path in (tmp_path / "c").iterdir()] == ["000000010"]
    state, tensors = checkpoints.load()
    assert state == progress(10)
    assert tensors["w"].tolist() == [10.0, 10.0]
    checkpoints.remove()
    assert checkpoints.load() is None


def test_incomplete_and_damaged_checkpoints_are_skipped(tmp_path):
    checkpoints = Checkpoints(tmp_path)
    checkpoints.save(progress(5), {"w": torch.zeros(1)})
    (tmp_path / "000000007").mkdir()
    (tmp_path / "000000008").mkdir()
    (tmp_path / "000000008/state.json").write_text(json.dumps({"epoch": 1}))
    (tmp_path / "000000009").mkdir()
    (tmp_path / "000000009/state.json").write_text('{"epo')
    assert checkpoints.load()[0].steps == 5


def test_a_folder_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(AbreastError, match="cannot write the checkpoint"):
        Checkpoints(tmp_path / "file/c").save(progress(1), {"w": torch.zeros(1)})


def test_the_optimizer_resumes_bit_for_bit():
    def make():
        weight = torch.nn.Parameter(torch.ones(3))
        return weight, torch.optim.AdamW([weight], lr=0.1, fused=True)

    def step(weight, optimizer):
        weight.grad = weight.detach() * 2
        optimizer.step()

    first, other = make(), make()
    step(*first)
    with torch.no_grad():
        other[0].copy_(first[0])
    restore_optimizer(other[1], optimizer_tensors(first[1]))
    step(*first)
    step(*other)
    assert torch.equal(first[0], other[0])
