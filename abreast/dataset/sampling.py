"""Samples that need no stored state: the same rows for the same inputs, and a turn for every row."""

import hashlib
from collections.abc import Iterable

import numpy as np
import pandas as pd

_GOLDEN = 0.6180339887498949


def stable_hash(text: str, salt: str) -> int:
    """A 64-bit number that is the same on every machine and in every version of Python."""
    return int.from_bytes(hashlib.blake2b(f"{salt}\n{text}".encode(), digest_size=8).digest(), "big")


def stable_hashes(texts: Iterable[str], salt: str) -> np.ndarray:
    """`stable_hash` of each text: shape (n,), uint64."""
    return np.fromiter((stable_hash(text, salt) for text in texts), dtype=np.uint64)


def record_names(rows: pd.DataFrame) -> pd.Series:
    """The name of each row: its key, or its id if it has none."""
    return rows["key"].where(rows["key"].notna(), rows["id"])


def fixed_sample(rows: pd.DataFrame, count: int, salt: str) -> pd.DataFrame:
    """At most `count` rows, those with the smallest hashes: a row once drawn stays until others displace it."""
    hashes = stable_hashes(record_names(rows), salt)
    drawn = np.argsort(hashes, kind="stable")[:count]
    return rows.iloc[np.sort(drawn)]


def rotating_sample(rows: pd.DataFrame, count: int, turn: int, salt: str) -> pd.DataFrame:
    """At most `count` rows, different ones at each `turn`, so that each row comes up within about 2 n / count turns.

    The rows form a ring in which every stretch holds each drop in proportion (systematic stratified sampling); turn t
    takes the stretch that begins at the fraction t times the golden ratio, a sequence that leaves no gap for long
    (three-distance theorem, Sós 1958).
    """
    if count >= len(rows):
        return rows
    hashes = pd.Series(stable_hashes(record_names(rows), salt), index=rows.index)
    by_drop = hashes.groupby(rows["drop"])
    place = (by_drop.rank(method="first") - 0.5) / by_drop.transform("size")
    ring = np.lexsort((hashes.to_numpy(), place.to_numpy()))
    begin = int(turn * _GOLDEN % 1.0 * len(rows))
    drawn = np.take(ring, np.arange(begin, begin + count), mode="wrap")
    return rows.iloc[np.sort(drawn)]
