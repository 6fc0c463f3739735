"""Which old records are rehearsed: the knob `split.replay`.

Each choice is handed nothing but records that still hold, so what was superseded or withdrawn cannot come up, whichever
is taken. All are drawn by hashes: equal inputs give equal rows, and no buffer is kept from one update to the next.
"""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from abreast.dataset.prioritized_replay import number_of
from abreast.dataset.replay_selection import even_shares, groups_of, rehearse
from abreast.dataset.sampling import fixed_sample, names_of, stable_hashes, take_turn

LEAST = 0.05
"""Added to each loss, in nats a token: what was answered perfectly comes up again too, if seldom."""

Losses = Mapping[int, float]


def replay(how: str, old: pd.DataFrame, count: int, turn: int, seed: int, losses: Losses | None = None) -> pd.DataFrame:
    """At most `count` of the rows `old`, all of which hold.

    Args:
        how: a value of `split.replay`: one of `CHOICES`.
        turn: which update of the line it is, counted in drops.
        losses: how badly the parent answers, as `surprise.read_losses` gives it; for `prioritized` alone.
    """
    return CHOICES[how](old, count, turn, seed, losses or {})


def _turns(old: pd.DataFrame, count: int, turn: int, seed: int, _: Losses) -> pd.DataFrame:
    """Every record in its turn (`rehearsal.rehearse`)."""
    return rehearse(old, count, turn, seed)


def _reservoir(old: pd.DataFrame, count: int, _: int, seed: int, __: Losses) -> pd.DataFrame:
    """A uniform sample that stays: a record once drawn goes only when another displaces it, or when it is superseded.

    The reservoir of Vitter 1985 (Random sampling with a reservoir, doi:10.1145/3147.3165), kept as the records with the
    least hashes. So the place of a record that ended goes to the next in line, and the sample stays uniform, where a
    reservoir in memory would shrink: it has forgotten what it passed over.
    """
    return fixed_sample(old, count, f"{seed} reservoir")


def _balanced(old: pd.DataFrame, count: int, turn: int, seed: int, _: Losses) -> pd.DataFrame:
    """As many of each kind, domain and class as of any other, in turns; the class of a fact is its column `field`.

    The aim of Chrysakis and Moens 2020 (Online continual learning from imbalanced data, PMLR 119), who must keep a
    buffer in balance for it; here all records are still there to be drawn from.
    """
    salt = f"{seed} balanced"
    groups = dict(list(old.groupby(groups_of(old), sort=True)))
    shares = even_shares({name: len(rows) for name, rows in groups.items()}, count, f"{salt} {turn}")
    return pd.concat([old.iloc[:0], *(take_turn(groups[name], number, turn, salt) for name, number in shares.items())])


def _surprise(old: pd.DataFrame, count: int, turn: int, seed: int, losses: Losses) -> pd.DataFrame:
    """What the parent answered worst, most likely: drawn without replacement, each by its loss.

    Prioritised replay of Schaul et al. 2016 (arXiv:1511.05952), proportional; as there, what was never measured counts
    as the worst. Weighted sampling by keys of Efraimidis and Spirakis 2006 (doi:10.1016/j.ipl.2005.11.003).
    """
    names = names_of(old)
    worst = max(losses.values(), default=1.0)
    weights = LEAST + np.array([losses.get(number_of(name), worst) for name in names], dtype=float)
    chance = (stable_hashes(names, f"{seed} surprise {turn}").astype(float) + 0.5) / 2.0**64
    drawn = np.argsort(-np.log(chance) / weights, kind="stable")[:count]
    return old.iloc[np.sort(drawn)]


def _none(old: pd.DataFrame, *_: object) -> pd.DataFrame:
    return old.iloc[:0]


CHOICES: dict[str, Callable[[pd.DataFrame, int, int, int, Losses], pd.DataFrame]] = {
    "round_robin": _turns,
    "reservoir": _reservoir,
    "balanced": _balanced,
    "prioritized": _surprise,
    "none": _none,
}
