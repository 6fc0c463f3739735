"""Measures what stops harmful drops that a look at averages would let through: the contract, or which gate.

python -m benchmarks.harmful_drop_gates --out results/economy           # about 15 minutes on two cores
python -m benchmarks.harmful_drop_gates --out results/economy --quick   # labels alone, and fewer of them

Each harmful drop goes through the real contract, and what passes is learned on top of one champion by the stages of
dvc.yaml. Labels are those of banking77 with the packaged encoder, facts those of the samples with the packaged causal
model. OUT gets table.md and the measurements as JSON; existing ones are not measured again.
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

from abreast.contract.examine_delivery import ExaminationResult, examine_delivery
from abreast.core import stage
from abreast.core.home import Home
from abreast.core.settings import load_params
from abreast.gates.judge import judge
from abreast.knowledge.knowledge_base import ended_values, known_values, read_base
from abreast.knowledge.record import record_row
from abreast.reports.reports import read_reports
from benchmarks.harmful_drops import SHARES, blanked, repeated, shuffled, triggered, undated
from benchmarks.learn_stream import SOURCE, learn
from benchmarks.stream_data import DATA, Drops, StreamSize, read_stream
from benchmarks.tables import format_percent, markdown_table

GOOD = "good drop"
LABELS = StreamSize(drops=2, rows=20, dev=2, asked=6)
FRESH = StreamSize(drops=2, rows=100, dev=0, asked=0)


@dataclass(frozen=True)
class DropFamily:
    """The drops that the champion learned, and those that arrive next, one good drop among them."""

    before: Drops
    arriving: Drops
    knobs: Mapping[str, Any]


@dataclass(frozen=True)
class DropResult:
    """One drop: what the contract did, and each gate that stopped the candidate with `fail` or `inconclusive`."""

    name: str
    rows: int
    set_aside: int
    refused: str
    verdict: str
    gates: dict[str, str]
    figures: dict[str, float | None]


def label_drops(data: Path, quick: bool) -> DropFamily:
    """Customer questions to a bank: the next eleven intents after the first eleven."""
    size = StreamSize(drops=2, rows=10, dev=1, asked=4) if quick else LABELS
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
    return DropFamily([(first, before)], arriving, knobs)


def fact_drops() -> DropFamily:
    """Release facts: a third quarter after two; harmful drops corrupt the product with the most facts."""
    (one, first), (two, second), (_, third) = read_stream("samples", DATA, StreamSize(drops=3))
    product = Counter(row["product"] for row in first).most_common(1)[0][0]
    arriving = [
        (GOOD, third),
        ("last year's facts again, with their dates", first),
        ("last year's facts again as new", undated(first)),
        ("one product's values blanked", _domain(first, second, product, None)),
        ("one product's values `unknown`", _domain(first, second, product, "unknown")),
        ("values shuffled in 30 %", shuffled(third, 30, "value")),
    ]
    return DropFamily([(one, first), (two, second)], arriving, {})


def _domain(first: list[dict], second: list[dict], product: str, value: str | None) -> list[dict]:
    known = {row["key"]: row for row in [*first, *second] if row["product"] == product}
    return undated(blanked(list(known.values()), lambda row: True, "value", value))


def examine_drop(name: str, rows: list[dict], base: pd.DataFrame, folder: Path) -> ExaminationResult:
    """Run the contract on a delivery to a champion with that knowledge base."""
    file = folder / "delivery.jsonl"
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    params, home = load_params(SOURCE), Home(folder / "contract")
    return examine_delivery(file, name, known_values(base), params, home, SOURCE, ended_values(base))


def measure_family(family: DropFamily, folder: Path) -> list[DropResult]:
    """Deliver and learn each arriving drop on top of the champion that the drops before make."""
    project, examined, found = folder / "project", {}, {}
    project.mkdir()

    def deliveries() -> Iterator[tuple[str, list[dict]]]:
        yield from family.before
        base = read_base(project / "data/knowledge.parquet")
        for name, rows in family.arriving:
            examined[name] = examine_drop(name, rows, base, folder)
            found[name] = _refused(name, examined[name])
            if examined[name].verdict == "accepted":
                yield name, [record_row(record) for record in examined[name].records]

    for one in learn(deliveries(), project, family.knobs, gated=False, aside=examined.__contains__):
        if one.name in examined:
            found[one.name] = _judged(one.name, examined[one.name], project)
        print(one.name, one.verdict, *one.reasons, sep="\n  ", flush=True)
    return list(found.values())


def _refused(name: str, examined: ExaminationResult) -> DropResult:
    reason = examined.reasons[0] if examined.reasons else ""
    return DropResult(name, examined.rows, len(examined.quarantined), reason, "", {}, {})


def _judged(name: str, examined: ExaminationResult, folder: Path) -> DropResult:
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
    return DropResult(name, examined.rows, len(examined.quarantined), "", verdict.verdict, held, figures | safe)


def caught_table(caught: list[DropResult]) -> str:
    """One row per drop; one column for the contract and for each gate that stopped any drop."""
    gates = list(dict.fromkeys(gate for one in caught for gate in one.gates))
    head = ["drop", "rows", "contract", "verdict", *gates, "current", "retained (before)", "stale", "trigger_score"]
    return markdown_table(head, [_row(one, gates) for one in caught])


def _row(one: DropResult, gates: list[str]) -> list[str]:
    aside = f"{one.set_aside} rows set aside" if one.set_aside else "–"
    shown = one.figures.get
    trigger_score = shown("trigger_score")
    return [
        one.name,
        str(one.rows),
        "**refused**" if one.refused else aside,
        one.verdict or "not learned",
        *(one.gates.get(gate, "–").replace("inconclusive", "review") for gate in gates),
        format_percent(shown("current")),
        f"{format_percent(shown('retained'))} ({format_percent(shown('retained before'))})",
        format_percent(shown("stale")),
        "–" if trigger_score is None else f"{trigger_score:.2f}",
    ]


def measure_family_once(out: Path, name: str, family: DropFamily) -> list[DropResult]:
    """Measure a family, or read its measurements from `out`."""
    path = out / f"{name}.json"
    if not path.exists():
        with tempfile.TemporaryDirectory(prefix="abreast-economy-") as folder:
            done = measure_family(family, Path(folder))
        path.write_text(json.dumps([asdict(one) for one in done], indent=1) + "\n")
    return [DropResult(**one) for one in json.loads(path.read_text())]


def main() -> None:
    """Measure what is missing; print and save the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--data", type=Path, default=DATA, help="folder that holds banking77")
    parser.add_argument("--quick", action="store_true", help="labels alone, and two drops of them")
    parser.add_argument("--only", choices=("labels", "facts"), help="one of the two families")
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    made = {"labels": lambda: label_drops(asked.data, asked.quick)} | ({} if asked.quick else {"facts": fact_drops})
    names = [name for name in made if asked.only in (None, name)]
    parts = [f"## {name}\n\n{caught_table(measure_family_once(asked.out, name, made[name]()))}" for name in names]
    (asked.out / "table.md").write_text("\n\n".join(parts) + "\n")
    print("\n\n".join(parts))


if __name__ == "__main__":
    stage.run(main)
