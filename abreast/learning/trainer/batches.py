"""Batches of texts of like length, and which texts are due in an epoch."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

REST = (0, 1, 2, 4)
"""Epochs that a text rests after 0, 1, 2, 3 and more confident answers in a row (Leitner's boxes)."""


def make_batches(
    lengths: Mapping[int, int], tokens: int, seed: str, experts: Mapping[int, str] = MappingProxyType({})
) -> list[list[int]]:
    """Group texts of like length into batches of about `tokens` tokens, padding included, in a seeded order.

    Args:
        lengths: text number to length in tokens.
        experts: text number to who learns it, if there are several; a batch is for one of them.
    """
    rng = random.Random(seed)
    order = sorted(lengths, key=lambda text: (experts.get(text, ""), lengths[text], rng.random()))
    batches: list[list[int]] = []
    for text in order:
        joins = batches and experts.get(batches[-1][0]) == experts.get(text)
        if joins and (len(batches[-1]) + 1) * lengths[text] <= tokens:
            batches[-1].append(text)
        else:
            batches.append([text])
    rng.shuffle(batches)
    return batches


@dataclass
class Boxes:
    """Spaced repetition: a text that is answered with confidence rests for 1, 2, then 4 epochs; a slip brings it back.

    `streak` and `due` hold, for each text, the confident answers in a row and the first epoch in which it is due.
    """

    streak: list[int]
    due: list[int]

    @classmethod
    def fresh(cls, first_due: Sequence[int]) -> "Boxes":
        """Nothing answered yet; `first_due` holds the epoch in which each text is shown for the first time."""
        return cls([0] * len(first_due), list(first_due))

    def due_in(self, epoch: int) -> list[int]:
        return [text for text, due in enumerate(self.due) if due <= epoch]

    def record(self, texts: Sequence[int], confident: Sequence[bool], epoch: int) -> None:
        """Note how the texts of one batch were answered in `epoch`."""
        for text, right in zip(texts, confident, strict=True):
            self.streak[text] = self.streak[text] + 1 if right else 0
            self.due[text] = epoch + 1 + REST[min(self.streak[text], len(REST) - 1)]
