"""What is rehearsed of what still holds: every old record in its turn, no class and no domain left out."""

import json

import pandas as pd

from abreast.dataset.sampling import stable_hash, take_turn
from abreast.dataset.spans import spans_of

PLAIN = ("fact", "instruction")
MOST_PHRASINGS = 5


def spread(lessons: int, old: int) -> tuple[int, int]:
    """How many of `old` records share so many lessons, and how many phrasings there are of each.

    What is never rehearsed is what is forgotten, so every record has one phrasing before any has two.
    """
    phrasings = min(MOST_PHRASINGS, max(1, lessons // max(1, old)))
    return min(old, lessons // phrasings), phrasings


def rehearse(old: pd.DataFrame, count: int, turn: int, seed: int) -> pd.DataFrame:
    """At most `count` of the rows `old`, other ones at each `turn`.

    Facts and instructions take turns together, each drop by its share. Of the other kinds, which get their share of
    `count`, every group has as many rows as any other, as far as it has so many: a group is a kind in a domain, with
    one label or with spans of the same types. Within a group the rows take turns in the same way.
    """
    salt = f"{seed} rehearse"
    plain, other = old[old["kind"].isin(PLAIN)], old[~old["kind"].isin(PLAIN)]
    share = round(count * len(plain) / len(old)) if len(old) else 0
    chosen = [take_turn(plain, share, turn, salt)]
    groups = dict(list(other.groupby(groups_of(other), sort=True)))
    sizes = {name: len(rows) for name, rows in groups.items()}
    for name, number in even_shares(sizes, count - share, f"{salt} {turn}").items():
        chosen.append(take_turn(groups[name], number, turn, salt))
    return pd.concat(chosen)


def even_shares(sizes: dict[str, int], count: int, salt: str) -> dict[str, int]:
    """How many of each group are taken: equally many, but no more than there are, `count` in all if there are so many.

    Where `count` is less than one for each group, `salt` decides which groups have one.
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
