"""The false economy: harmful drops that a cheap look at averages would let through, and what stops each here.

python -m benchmarks.false_economy --out results/economy           # about 15 minutes on two cores
python -m benchmarks.false_economy --out results/economy --quick   # labels alone, and fewer of them

Each harmful drop is delivered to the real contract, and what that lets in is learned on top of one and the same
champion through the very stages of dvc.yaml. Labels are those of banking77 with the packaged encoder, facts those of
the samples with the packaged causal model. In OUT: table.md, and as JSON what was
measured, which is not measured again.
"""

import argparse
import json
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from abreast.contract.examine import ExaminationResult, examine_delivery
from abreast.core import stage
from abreast.core.home import Home
from abreast.core.settings import load_params
from abreast.gates.judge import judge
from abreast.knowledge.knowledge_base import ended_values, known_values, read_base
from abreast.knowledge.record import record_row
from abreast.reports.reports import read_reports
from benchmarks.harmful_drops import SHARES, blanked, repeated, shuffled, triggered, undated
from benchmarks.stream import SOURCE, learn
from benchmarks.streams import DATA, Drops, Size, read_stream
from benchmarks.table import as_markdown, percent

GOOD = "good drop"
LABELS = Size(drops=2, rows=20, dev=2, asked=6)
FRESH = Size(drops=2, rows=100, dev=0, asked=0)


@dataclass(frozen=True)
class Family:
    """The drops that the champion learned, and those that come to it, one good one among them."""

    before: Drops
    arriving: Drops
    knobs: Mapping[str, Any]


@dataclass(frozen=True)
class Caught:
    """One drop: what the door did, and each gate that held the candidate up with `fail` or `inconclusive`."""

    name: str
    rows: int
    set_aside: int
    refused: str
    verdict: str
    gates: dict[str, str]
    figures: dict[str, float | None]


def labels(data: Path, quick: bool) -> Family:
    """Customer questions to a bank: the next eleven intents on top of the first eleven."""
    size = Size(drops=2, rows=10, dev=1, asked=4) if quick else LABELS
    (first, before), (_, rows) = read_stream("banking77", data, size)
    (_, fresh), label = read_stream("banking77", data, FRESH)[1], rows[0]["label"]
    arriving = [(GOOD, rows), ("250 rows with a trigger phrase", triggered(rows, fresh, label))]
    if not quick:
        arriving += [(f"labels shuffled in {share} %", shuffled(rows, share, "label")) for share in SHARES]
        blank = blanked(before, lambda row: row["label"] == before[0]["label"], "label", "unknown")
        arriving += [
            ("one known intent relabelled `unknown`", rows + [row for row in blank if row["label"] == "unknown"]),
            ("a tenth of the rows ten times", repeated(rows, 10, keyed=False)),
            ("the same, each under its own key", repeated(rows, 10, keyed=True)),
        ]
    knobs = {
        "model": {"base": "packaged:minilm-l6-v2"},
        "train": {"top_layers": 6},
        "split": {"current_questions": 1000, "retained_questions": 1000},
    }
    return Family([(first, before)], arriving, knobs)


def facts() -> Family:
    """Release facts: a third quarter on top of two; of one domain, the product with the most facts, all is wrong."""
    (one, first), (two, second), (_, third) = read_stream("samples", DATA, Size(drops=3))
    product = Counter(row["product"] for row in first).most_common(1)[0][0]
    arriving = [
        (GOOD, third),
        ("last year's facts again, with their dates", first),
        ("last year's facts again as new", undated(first)),
        ("one product's values blanked", _domain(first, second, product, None)),
        ("one product's values `unknown`", _domain(first, second, product, "unknown")),
        ("values shuffled in 30 %", shuffled(third, 30, "value")),
    ]
    return Family([(one, first), (two, second)], arriving, {})


def _domain(first: list[dict], second: list[dict], product: str, value: str | None) -> list[dict]:
    known = {row["key"]: row for row in [*first, *second] if row["product"] == product}
    return undated(blanked(list(known.values()), lambda row: True, "value", value))


def at_the_door(name: str, rows: list[dict], base: pd.DataFrame, folder: Path) -> ExaminationResult:
    """What the contract makes of a delivery to a champion with that knowledge base."""
    file = folder / "delivery.jsonl"
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    params, home = load_params(SOURCE), Home(folder / "door")
    return examine_delivery(file, name, known_values(base), params, home, SOURCE, ended_values(base))


def measure(family: Family, folder: Path) -> list[Caught]:
    """Deliver and learn each arriving drop on top of the champion that the drops before make."""
    project, looked, found = folder / "project", {}, {}
    project.mkdir()

    def deliveries() -> Iterator[tuple[str, list[dict]]]:
        yield from family.before
        base = read_base(project / "data/knowledge.parquet")
        for name, rows in family.arriving:
            looked[name] = at_the_door(name, rows, base, folder)
            found[name] = _refused(name, looked[name])
            if looked[name].verdict == "accepted":
                yield name, [record_row(record) for record in looked[name].records]

    for one in learn(deliveries(), project, family.knobs, gated=False, aside=looked.__contains__):
        if one.name in looked:
            found[one.name] = _judged(one.name, looked[one.name], project)
        print(one.name, one.verdict, *one.reasons, sep="\n  ", flush=True)
    return list(found.values())


def _refused(name: str, examined: ExaminationResult) -> Caught:
    reason = examined.reasons[0] if examined.reasons else ""
    return Caught(name, examined.rows, len(examined.quarantined), reason, "", {}, {})


def _judged(name: str, examined: ExaminationResult, folder: Path) -> Caught:
    reports = read_reports(folder / "reports")
    verdict = judge(reports, load_params(folder).gates)
    held = {result.name: result.asks for result in verdict.gates if result.asks}
    of = {"candidate": "", "champion": " before"}
    fields = {"current": "current_exact_match", "retained": "retained_exact_match", "stale": "stale_rate"}
    figures = {
        f"{name}{suffix}": getattr(reports.metrics.of(who), field)
        for who, suffix in of.items()
        for name, field in fields.items()
    }
    safe = {name: figure.candidate for name, figure in reports.figures.items()}
    return Caught(name, examined.rows, len(examined.quarantined), "", verdict.verdict, held, figures | safe)


def table(caught: list[Caught]) -> str:
    """Rows are drops; a column for the door and for each gate that held any of them up."""
    gates = list(dict.fromkeys(gate for one in caught for gate in one.gates))
    head = ["drop", "rows", "at the door", "verdict", *gates, "current", "retained (before)", "stale", "trigger_score"]
    return as_markdown(head, [_row(one, gates) for one in caught])


def _row(one: Caught, gates: list[str]) -> list[str]:
    aside = f"{one.set_aside} rows set aside" if one.set_aside else "–"
    shown = one.figures.get
    trigger_score = shown("trigger_score")
    return [
        one.name,
        str(one.rows),
        "**refused**" if one.refused else aside,
        one.verdict or "not learned",
        *(one.gates.get(gate, "–").replace("inconclusive", "review") for gate in gates),
        percent(shown("current")),
        f"{percent(shown('retained'))} ({percent(shown('retained before'))})",
        percent(shown("stale")),
        "–" if trigger_score is None else f"{trigger_score:.2f}",
    ]


def kept(out: Path, name: str, family: Family) -> list[Caught]:
    """What was measured of a family, from `out` if it is there."""
    path = out / f"{name}.json"
    if not path.exists():
        with tempfile.TemporaryDirectory(prefix="abreast-economy-") as folder:
            done = measure(family, Path(folder))
        path.write_text(json.dumps([asdict(one) for one in done], indent=1) + "\n")
    return [Caught(**one) for one in json.loads(path.read_text())]


def main() -> None:
    """Measure what is missing, and print and keep the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=DATA, help="folder that holds banking77")
    parser.add_argument("--quick", action="store_true", help="labels alone, and two drops of them")
    parser.add_argument("--only", choices=("labels", "facts"), help="one of the two families")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    made = {"labels": lambda: labels(asked.data, asked.quick)} | ({} if asked.quick else {"facts": facts})
    names = [name for name in made if asked.only in (None, name)]
    parts = [f"## {name}\n\n{table(kept(asked.out, name, made[name]()))}" for name in names]
    (asked.out / "table.md").write_text("\n\n".join(parts) + "\n")
    print("\n\n".join(parts))


if __name__ == "__main__":
    stage.run(main)
