"""Answers of two models to the same questions, counted key by key."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Pairs(NamedTuple):
    """The results of two models on the same questions; each key counts as one, however many questions it has.

    Answers on one key are correlated, so keys are the sampled units, not questions. A key with several questions
    counts by their share: if only the candidate is right on two of three, it adds 2/3 to `won`. Shares vary less than
    the whole questions that they stand for, so the tests are conservative.
    """

    keys: int
    won: float
    """Keys that only the candidate answers rightly."""
    lost: float
    """Keys that only the other model answers rightly."""
    candidate: float
    """The candidate's share of hits, from 0 to 1."""
    other: float

    @property
    def difference(self) -> float:
        """The candidate's share less the other's, from -1 to 1."""
        return (self.won - self.lost) / self.keys


def hits_by_key(keys: Sequence[str], hits: Sequence[bool]) -> np.ndarray:
    """The share of hits of each key, in the order in which the keys first come; shape (different keys,)."""
    held: dict[str, list[bool]] = {}
    for key, hit in zip(keys, hits, strict=True):
        held.setdefault(key, []).append(hit)
    return np.array([sum(of) / len(of) for of in held.values()])


def pair(keys: Sequence[str], candidate: Sequence[bool], other: Sequence[bool]) -> Pairs:
    """Count the answers of two models.

    Args:
        keys: what each question is about; shape (questions,), at least one.
        candidate, other: whether each question was answered so by that model; shape (questions,).
    """
    mine, theirs = hits_by_key(keys, candidate), hits_by_key(keys, other)
    above = mine - theirs
    won, lost = float(np.maximum(above, 0.0).sum()), float(np.maximum(-above, 0.0).sum())
    return Pairs(len(mine), won, lost, float(mine.mean()), float(theirs.mean()))


def votes(keys: Sequence[str], candidate: Sequence[bool], other: Sequence[bool]) -> tuple[int, int]:
    """How many keys each of the two answers better than the other: (candidate, other)."""
    above = hits_by_key(keys, candidate) - hits_by_key(keys, other)
    return int((above > 0).sum()), int((above < 0).sum())
