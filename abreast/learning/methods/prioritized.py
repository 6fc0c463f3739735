"""Prioritized replay: records the loss of each record, so that the next update replays the worst ones most often.

Prioritised experience replay (Schaul et al. 2016, arXiv:1511.05952): a record's priority is its loss when it was last
learned. It is measured once, with the final weights; `split.replay: prioritized` of the next update samples by it. List
merging methods before this one.
"""

from collections.abc import Sequence

import torch
from pydantic import Field

from abreast.dataset.loss_table import LOSSES, NUMBERS, loss_key
from abreast.learning.backbone.mean_per_text import mean_per_text
from abreast.learning.methods import protocol

BATCH = 32


@torch.no_grad()
def worst_losses(run: protocol.TrainingRun) -> dict[int, float]:
    """For each record, by `loss_key`, the highest mean loss of a token among its examples, in nats."""
    worst: dict[int, float] = {}
    order = sorted(range(len(run.examples)), key=lambda number: len(run.examples[number].ids))
    for batch in (order[start : start + BATCH] for start in range(0, len(order), BATCH)):
        losses = _losses(run, [run.examples[number] for number in batch])
        for key, loss in zip((run.keys[number] for number in batch), losses, strict=True):
            worst[loss_key(key)] = max(loss, worst.get(loss_key(key), 0.0))
    return worst


def _losses(run: protocol.TrainingRun, texts: Sequence[protocol.TokenizedExample]) -> list[float]:
    hidden, targets, owner = run.backbone.completion_states(texts)
    return mean_per_text(run.backbone.head.losses(hidden, targets), owner, len(texts)).tolist()


class Prioritized:
    """A table of at most `keep` records in the model folder, 12 bytes each; the longest unmeasured ones leave it."""

    class Knobs(protocol.Knobs):
        keep: int = Field(65536, gt=0)

    def __init__(self, knobs: Knobs):
        self._keep = knobs.keep

    def on_train_end(self, run: protocol.TrainingRun, score: object) -> None:
        new, inherited = worst_losses(run), run.inherited_state
        columns = [inherited[name].tolist() for name in (NUMBERS, LOSSES) if name in inherited]
        old = dict(zip(*columns, strict=True)) if columns else {}
        table = list(({n: loss for n, loss in old.items() if n not in new} | new).items())[-self._keep :]
        run.carried_state[NUMBERS] = torch.tensor([number for number, _ in table], dtype=torch.int64)
        run.carried_state[LOSSES] = torch.tensor([loss for _, loss in table], dtype=torch.float32)
