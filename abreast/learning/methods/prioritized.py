"""Surprise: what the trained model answers worst is noted, so that the next update rehearses it the most often.

Prioritised experience replay (Schaul et al. 2016, arXiv:1511.05952): a record's priority is its loss when it was last
learned from. It is measured once, with the weights that stay; `split.replay: prioritized` of the next update draws
by it.
List what merges before this method.
"""

from collections.abc import Sequence

import torch
from pydantic import Field

from abreast.dataset.prioritized_replay import LOSSES, NUMBERS, number_of
from abreast.learning.backbone.cached_backbone import means_by_text
from abreast.learning.methods import protocol

BATCH = 32


@torch.no_grad()
def worst_losses(run: protocol.Run) -> dict[int, float]:
    """For each record, by `number_of`, the worst of its lessons: the mean loss of a token there, in nats."""
    worst: dict[int, float] = {}
    order = sorted(range(len(run.examples)), key=lambda place: len(run.examples[place].ids))
    for places in (order[start : start + BATCH] for start in range(0, len(order), BATCH)):
        for place, loss in zip(places, _losses(run, [run.examples[place] for place in places]), strict=True):
            number = number_of(run.keys[place])
            worst[number] = max(loss, worst.get(number, 0.0))
    return worst


def _losses(run: protocol.Run, texts: Sequence[protocol.Encoded]) -> list[float]:
    hidden, targets, owner = run.trunk.completions(texts)
    return means_by_text(run.trunk.head.losses(hidden, targets), owner, len(texts)).tolist()


class Surprise:
    """A table of at most `keep` records in the model folder, 12 bytes each; those not measured for longest leave it."""

    class Knobs(protocol.Knobs):
        keep: int = Field(65536, gt=0)

    def __init__(self, knobs: Knobs):
        self._keep = knobs.keep

    def end(self, run: protocol.Run, score: object) -> None:
        new, kept = worst_losses(run), [run.memory[name].tolist() for name in (NUMBERS, LOSSES) if name in run.memory]
        old = dict(zip(*kept, strict=True)) if kept else {}
        table = list(({n: loss for n, loss in old.items() if n not in new} | new).items())[-self._keep :]
        run.legacy[NUMBERS] = torch.tensor([number for number, _ in table], dtype=torch.int64)
        run.legacy[LOSSES] = torch.tensor([loss for _, loss in table], dtype=torch.float32)
