"""Spaced repetition: which texts are due in an epoch (Leitner's boxes)."""

from collections.abc import Sequence
from dataclasses import dataclass

REST_EPOCHS = (0, 1, 2, 4)
"""Epochs that a text rests after 0, 1, 2, 3 and more confident answers in a row."""


@dataclass
class LeitnerSchedule:
    """A text that is answered with confidence rests for 1, 2, then 4 epochs; a wrong or unsure answer resets it.

    `streak` and `due` hold, for each text, the confident answers in a row and the first epoch in which it is due.
    """

    streak: list[int]
    due: list[int]

    @classmethod
    def fresh(cls, first_due: Sequence[int]) -> "LeitnerSchedule":
        """No text was answered yet; `first_due` is the epoch in which each text is shown for the first time."""
        return cls([0] * len(first_due), list(first_due))

    def due_in(self, epoch: int) -> list[int]:
        return [text for text, due in enumerate(self.due) if due <= epoch]

    def record(self, texts: Sequence[int], confident: Sequence[bool], epoch: int) -> None:
        """Record how the texts of one batch were answered in `epoch`."""
        for text, is_confident in zip(texts, confident, strict=True):
            self.streak[text] = self.streak[text] + 1 if is_confident else 0
            self.due[text] = epoch + 1 + REST_EPOCHS[min(self.streak[text], len(REST_EPOCHS) - 1)]
