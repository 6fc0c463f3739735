"""The streams of drops for the benchmarks: each has a name, a size and a reader of data beside the checkout.

The data's own README has licences and sources; this repository contains none of it.
"""

import csv
import gzip
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from abreast.core.errors import AbreastError
from abreast.dataset.held_out import rows_for_use
from abreast.dataset.sampling import stable_hash
from abreast.knowledge.record import canonical_json
from benchmarks.learn_stream import SOURCE

Drops = list[tuple[str, list[dict]]]

DATA = SOURCE.parent / "shared/data"
LEAST_FACTS = 4
INTENTS = 11
SECTIONS = ("a", "b", "f", "g", "e", "h")
"""Of broad-twitter, in the order of its README: 2012, 2012, 2009 to 2014, news, a disaster, outside the UK."""


@dataclass(frozen=True)
class StreamSize:
    """How much of a stream to read.

    `products` counts for facts: those of so many products. The others count for records that are held out whole: of
    each group (an intent, a section) so many rows as the stages teach (`rows`), ask while training (`dev`) and ask at
    the end (`asked`), drawn by `seed`. The stages by themselves would ask a tenth, too few to tell ways apart when few
    are taught.
    """

    drops: int
    products: int = 0
    rows: int = 0
    dev: int = 0
    asked: int = 0
    seed: int = 17


@dataclass(frozen=True)
class Stream:
    """A reader of the drops, the full size (an evening on two cores) and the quick size (minutes).

    `measure` is the kind's own measure in `reports/metrics.json`, where it differs from the share of right answers;
    `supersedes` says whether later records replace earlier ones.
    """

    read: Callable[[Path, StreamSize], Drops]
    size: StreamSize
    quick: StreamSize
    supersedes: bool = False
    measure: tuple[str, str] | None = None


def read_lifecycle(data: Path, size: StreamSize) -> Drops:
    """The first drops, limited to the products with the fewest facts in the first one.

    Raises:
        AbreastError: the data is missing.
    """
    files = sorted((data / "lifecycle").glob("*.jsonl.gz"))[: size.drops]
    if not files:
        raise AbreastError(
            f"{data / 'lifecycle'}: holds no *.jsonl.gz; name the folder that holds lifecycle with --data"
        )
    read = [(file.name.split(".")[0], _json_lines(gzip.decompress(file.read_bytes()))) for file in files]
    return _of_few_products(read, size.products)


def read_samples(data: Path, size: StreamSize) -> Drops:
    """The good sample drops of this repository, of all products or of some; `data` is not needed."""
    folders = sorted((SOURCE / "samples/drops").glob("0*"))[: size.drops]
    read = [(folder.name, _json_lines((folder / "facts.jsonl").read_bytes())) for folder in folders]
    return _of_few_products(read, size.products) if size.products else read


def _of_few_products(drops: Drops, count: int) -> Drops:
    """The rows of the products with the fewest facts (at least `LEAST_FACTS`) in the first drop."""
    facts = Counter(row["product"] for row in drops[0][1])
    small = sorted((facts[product], product) for product in facts if facts[product] >= LEAST_FACTS)[:count]
    chosen = {product for _, product in small}
    return [(name, [row for row in rows if row["product"] in chosen]) for name, rows in drops]


def read_harmful_drop() -> tuple[str, list[dict]]:
    """The harmful sample drop, whose values contradict earlier ones."""
    name = "bad-harmful"
    return name, _json_lines((SOURCE / "samples/drops" / name / "facts.jsonl").read_bytes())


def read_banking77(data: Path, size: StreamSize) -> Drops:
    """Class-incremental: customer questions to a bank, in each drop eleven intents that were not there before.

    Raises:
        AbreastError: the data is missing, or differs from its README.
    """
    folder = data / "banking77"
    intents = json.loads(_text(folder / "categories.json"))
    by_intent: dict[str, list[dict]] = {intent: [] for intent in intents}
    for number, row in enumerate(csv.DictReader(_text(folder / "train.csv").splitlines(keepends=True)), start=1):
        if row.get("category") not in by_intent or not row.get("text"):
            raise AbreastError(f"{folder / 'train.csv'}: row {number}: needs a text and a category of categories.json")
        by_intent[row["category"]].append({"text": row["text"], "label": row["category"]})
    drops = []
    for first in range(0, len(intents), INTENTS)[: size.drops]:
        rows = [row for intent in intents[first : first + INTENTS] for row in sample_rows(by_intent[intent], size)]
        drops.append((f"intents {first + 1:02d}-{min(first + INTENTS, len(intents)):02d}", rows))
    return drops


def read_broad_twitter(data: Path, size: StreamSize) -> Drops:
    """Domain-incremental: tweets with persons, places and organisations, in each drop another time, region or topic.

    Raises:
        AbreastError: the data is missing, or differs from its README.
    """
    files = {section: data / "broad-twitter" / f"{section}.conll" for section in SECTIONS[: size.drops]}
    return [(section, sample_rows(_sentences(file, section), size)) for section, file in files.items()]


def sample_rows(rows: list[dict], size: StreamSize) -> list[dict]:
    """Draw as many rows for each use from one group as `size` says, or all if there are fewer; fixed by the seed."""
    contents = [canonical_json({name: row[name] for name in row if name != "domain"}) for row in rows]
    kind = "tagging" if rows and "tokens" in rows[0] else "classification"
    frame = pd.DataFrame({"id": range(len(rows)), "kind": kind, "key": None, "attributes": contents})
    drawn: list[int] = []
    for use, count in (("train", size.rows), ("dev", size.dev), ("test", size.asked)):
        numbers = rows_for_use(frame, use)["id"]
        drawn += sorted(numbers, key=lambda number: stable_hash(contents[number], f"{size.seed} benchmark"))[:count]
    return [rows[number] for number in sorted(drawn)]


def _sentences(file: Path, domain: str) -> list[dict]:
    """The sentences of a CoNLL file, a word and its tag on each line; words that are white space are left out."""
    found: list[list[tuple[str, str]]] = [[]]
    for number, line in enumerate(_text(file).split("\n"), start=1):
        word, tab, tag = line.partition("\t")
        if not line.strip():
            found.append([])
        elif not tab or not tag.strip():
            raise AbreastError(f"{file}: line {number}: needs a word, a tab and a tag")
        elif word.strip():
            found[-1].append((word.strip(), tag.strip()))
    sentences = [list(zip(*pairs, strict=True)) for pairs in found if pairs]
    return [{"tokens": list(words), "tags": list(tags), "domain": domain} for words, tags in sentences]


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise AbreastError(f"{file}: no such file; name the folder that holds {file.parent.name} with --data") from None


def _json_lines(content: bytes) -> list[dict]:
    return [json.loads(line) for line in content.splitlines()]


STREAMS = {
    "samples": Stream(read_samples, StreamSize(drops=5), StreamSize(drops=2, products=5), supersedes=True),
    "lifecycle": Stream(
        read_lifecycle, StreamSize(drops=4, products=8), StreamSize(drops=2, products=3), supersedes=True
    ),
    "banking77": Stream(
        read_banking77,
        StreamSize(drops=7, rows=10, dev=2, asked=4),
        StreamSize(drops=2, rows=2, dev=1, asked=1),
        measure=("classification", "macro_f1"),
    ),
    "broad-twitter": Stream(
        read_broad_twitter,
        StreamSize(drops=6, rows=30, dev=8, asked=20),
        StreamSize(drops=2, rows=12, dev=4, asked=8),
        measure=("tagging", "span_f1"),
    ),
}


def read_stream(name: str, data: Path, size: StreamSize) -> Drops:
    """The drops of a stream.

    Raises:
        AbreastError: its data is not there, or nothing is left at this size.
    """
    drops = STREAMS[name].read(data, size)
    if empty := [drop for drop, rows in drops if not rows]:
        raise AbreastError(f"{name}: drop {empty[0]} has no rows at this size; take more products or rows")
    return drops
