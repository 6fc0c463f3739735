"""Batches of texts of similar length."""

import random
from collections.abc import Mapping
from types import MappingProxyType


def make_batches(
    lengths: Mapping[int, int], tokens: int, seed: str, experts: Mapping[int, str] = MappingProxyType({})
) -> list[list[int]]:
    """Group texts of similar length into batches of about `tokens` tokens, padding included, in a seeded order.

    Args:
        lengths: text number to length in tokens.
        experts: text number to the expert that learns it, if there are several; a batch is for one expert.
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
