"""Replay by groups: how many old records, and as evenly as possible over kinds, domains and classes."""

import json

import pandas as pd

from abreast.dataset.sampling import rotating_sample, stable_hash
from abreast.dataset.spans import spans_of

DIRECT_ANSWER_KINDS = ("fact", "instruction")
MAX_PHRASINGS = 5


def replay_budget(examples: int, old: int) -> tuple[int, int]:
    """How many of `old` records are replayed with `examples` examples in total, and how many phrasings each gets.

    Records that are never replayed are forgotten, so every record gets one phrasing before any gets two.
    """
    phrasings = min(MAX_PHRASINGS, max(1, examples // max(1, old)))
    return min(old, examples // phrasings), phrasings


def round_robin(old: pd.DataFrame, count: int, turn: int, seed: int) -> pd.DataFrame:
    """At most `count` of the rows `old`, different ones at each `turn`.

    Facts and instructions rotate together, each drop in proportion to its size. The other kinds get their share of
    `count`, divided evenly among groups, as far as each has enough rows: a group is a kind in a domain, with one label
    or with spans of the same types. Within a group the rows rotate in the same way.
    """
    salt = f"{seed} rehearse"  # part of the hash: another word would draw other rows
    direct, other = old[old["kind"].isin(DIRECT_ANSWER_KINDS)], old[~old["kind"].isin(DIRECT_ANSWER_KINDS)]
    share = round(count * len(direct) / len(old)) if len(old) else 0
    chosen = [rotating_sample(direct, share, turn, salt)]
    groups = dict(list(other.groupby(groups_of(other), sort=True)))
    sizes = {name: len(rows) for name, rows in groups.items()}
    for name, number in even_shares(sizes, count - share, f"{salt} {turn}").items():
        chosen.append(rotating_sample(groups[name], number, turn, salt))
    return pd.concat(chosen)


def even_shares(sizes: dict[str, int], count: int, salt: str) -> dict[str, int]:
    """How many rows of each group to take: equally many, at most its size, `count` in total if there are enough.

    If `count` is smaller than the number of groups, `salt` decides which groups get one.
    """
    order = sorted(sizes, key=lambda name: stable_hash(name, salt))
    if count < len(order):
        return {name: int(place < count) for place, name in enumerate(order)}
    shares = {}
    for done, name in enumerate(sorted(order, key=sizes.__getitem__)):
        shares[name] = min(sizes[name], (count - sum(shares.values())) // (len(order) - done))
    return shares


def groups_of(rows: pd.DataFrame) -> pd.Series:
    """The group of each row: its kind, domain and class."""
    columns = zip(rows["kind"], rows["domain"].fillna(""), rows["attributes"], strict=True)
    names = ["\n".join((kind, domain, _class(kind, attributes))) for kind, domain, attributes in columns]
    return pd.Series(names, index=rows.index, dtype="str")


def _class(kind: str, attributes: str) -> str:
    """A fact's field, the label, or the types of the spans; instructions, texts and numbers have no class."""
    if kind == "fact":
        return json.loads(attributes).get("field", "")
    if kind == "classification":
        return json.loads(attributes)["label"]
    if kind == "tagging":
        return " ".join(sorted({span.type for span in spans_of(json.loads(attributes)["tags"])}))
    return ""
