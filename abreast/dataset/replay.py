"""Which old records are replayed: the knob `split.replay`.

Each method receives only records that still hold, so it can never replay a superseded or withdrawn one. All draw by
hashes: equal inputs give equal rows, and no buffer is kept from one update to the next.
"""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from abreast.dataset.loss_table import loss_key
from abreast.dataset.replay_groups import even_shares, groups_of, round_robin
from abreast.dataset.sampling import fixed_sample, record_names, rotating_sample, stable_hashes

MIN_LOSS = 0.05
"""Added to each loss, in nats per token: a record that was answered perfectly is replayed too, if seldom."""

Losses = Mapping[int, float]


def select_replay(
    how: str, old: pd.DataFrame, count: int, turn: int, seed: int, losses: Losses | None = None
) -> pd.DataFrame:
    """At most `count` of the rows `old`, all of which still hold.

    Args:
        how: a value of `split.replay`: one of `REPLAY_METHODS`.
        turn: the number of drops in the knowledge base; it rotates the choice.
        losses: the losses of the parent model from `prioritized_replay.read_losses`; for `prioritized` only.
    """
    return REPLAY_METHODS[how](old, count, turn, seed, losses or {})


def _round_robin(old: pd.DataFrame, count: int, turn: int, seed: int, _: Losses) -> pd.DataFrame:
    """Every record in turn."""
    return round_robin(old, count, turn, seed)


def _reservoir(old: pd.DataFrame, count: int, _: int, seed: int, __: Losses) -> pd.DataFrame:
    """A stable uniform sample: a record leaves it only when another displaces it, or when it is superseded.

    The reservoir of Vitter 1985 (Random sampling with a reservoir, doi:10.1145/3147.3165), kept as the records with the
    smallest hashes. So the next record takes the place of one that ended, and the sample stays uniform; a reservoir in
    memory would shrink, because it has forgotten the records that it passed over.
    """
    return fixed_sample(old, count, f"{seed} reservoir")


def _balanced(old: pd.DataFrame, count: int, turn: int, seed: int, _: Losses) -> pd.DataFrame:
    """Equally many of each kind, domain and class, in turn; the class of a fact is its column `field`.

    The aim of Chrysakis and Moens 2020 (Online continual learning from imbalanced data, PMLR 119); they balance a
    buffer, here all records are still available.
    """
    salt = f"{seed} balanced"
    groups = dict(list(old.groupby(groups_of(old), sort=True)))
    shares = even_shares({name: len(rows) for name, rows in groups.items()}, count, f"{salt} {turn}")
    return pd.concat(
        [old.iloc[:0], *(rotating_sample(groups[name], number, turn, salt) for name, number in shares.items())]
    )


def _prioritized(old: pd.DataFrame, count: int, turn: int, seed: int, losses: Losses) -> pd.DataFrame:
    """Drawn without replacement, with a probability that grows with the loss of the parent model.

    Proportional prioritized replay of Schaul et al. 2016 (arXiv:1511.05952); as there, a record never measured counts
    as the worst. Weighted sampling by keys of Efraimidis and Spirakis 2006 (doi:10.1016/j.ipl.2005.11.003).
    """
    names = record_names(old)
    worst = max(losses.values(), default=1.0)
    weights = MIN_LOSS + np.array([losses.get(loss_key(name), worst) for name in names], dtype=float)
    chance = (stable_hashes(names, f"{seed} surprise {turn}").astype(float) + 0.5) / 2.0**64
    drawn = np.argsort(-np.log(chance) / weights, kind="stable")[:count]
    return old.iloc[np.sort(drawn)]


def _none(old: pd.DataFrame, *_: object) -> pd.DataFrame:
    return old.iloc[:0]


REPLAY_METHODS: dict[str, Callable[[pd.DataFrame, int, int, int, Losses], pd.DataFrame]] = {
    "round_robin": _round_robin,
    "reservoir": _reservoir,
    "balanced": _balanced,
    "prioritized": _prioritized,
    "none": _none,
}
