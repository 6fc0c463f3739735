"""Checkpoints of a training in progress: safetensors and JSON, outside DVC, which deletes outputs of a stage first."""

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch

from abreast.core.errors import AbreastError
from abreast.core.files import new_folder

STATE = "state.json"
TENSORS = "tensors.safetensors"


@dataclass
class Progress:
    """The state of a training without its tensors; with the tensors it is enough to resume bit for bit.

    `batches` are those of the running epoch, and `position` is the next batch in it. `streak` and `due` are those of
    `LeitnerSchedule`; `best` is the best development score: the share of exact answers, and minus the loss.
    `threads` is torch's number, which decides the last bits on a CPU.
    """

    epoch: int
    batches: list[list[int]]
    position: int
    steps: int
    tokens: int
    streak: list[int]
    due: list[int]
    best: list[float] | None
    checks_without_gain: int
    checks_lost: int
    running_loss: list[float]
    curve: list[dict[str, float | None]]
    threads: int | None = None


class Checkpoints:
    """The checkpoints of one training in `folder`; only the newest complete one is kept.

    A checkpoint is a folder `<steps>`, written under another name and renamed when complete. The tensors are written
    first, then the state, so that a folder with a state is complete.
    """

    def __init__(self, folder: Path):
        self._folder = folder

    def save(self, progress: Progress, tensors: dict[str, torch.Tensor]) -> None:
        """Write a checkpoint, then delete the older ones.

        Raises:
            AbreastError: it cannot be written, such as on a full disk.
        """
        from safetensors.torch import save_file

        final = self._folder / f"{progress.steps:09d}"
        try:
            with new_folder(
                final, replace=True, crash_before="checkpoint.written", crash_after="checkpoint.named"
            ) as staging:
                save_file({name: value.contiguous() for name, value in tensors.items()}, staging / TENSORS)
                (staging / STATE).write_text(json.dumps(asdict(progress)))
        except OSError as error:
            raise AbreastError(f"{final}: cannot write the checkpoint: {error}") from None
        self._prune(keep=final)

    def load(self) -> tuple[Progress, dict[str, torch.Tensor]] | None:
        """The newest complete checkpoint, if there is one; damaged ones are skipped."""
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        complete = sorted(self._folder.glob(f"[0-9]*/{STATE}"), reverse=True)
        for state in complete:
            try:
                return Progress(**json.loads(state.read_text())), load_file(state.parent / TENSORS)
            except (OSError, ValueError, TypeError, SafetensorError):
                continue
        return None

    def threads(self) -> int | None:
        """The number of threads that an interrupted training ran with; None if there is no checkpoint."""
        found = self.load()
        return found[0].threads if found else None

    def remove(self) -> None:
        """Delete all checkpoints, once the training is done."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _prune(self, keep: Path) -> None:
        for other in self._folder.iterdir():
            if other != keep:
                shutil.rmtree(other, ignore_errors=True)


def optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    """The optimizer's state as named tensors, `<parameter number>.<slot>`."""
    state: dict[Any, dict[str, Any]] = optimizer.state_dict()["state"]
    return {
        f"{number}.{slot}": torch.as_tensor(value) for number, slots in state.items() for slot, value in slots.items()
    }


def restore_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, torch.Tensor]) -> None:
    """Load the tensors of `optimizer_tensors` into the optimizer."""
    whole = optimizer.state_dict()
    state: dict[int, dict[str, torch.Tensor]] = {}
    for name, value in tensors.items():
        number, slot = name.split(".", 1)
        state.setdefault(int(number), {})[slot] = value.clone()
    optimizer.load_state_dict(whole | {"state": state})
