"""Stage `validate`: check the assembled knowledge base against `knowledge_contract.yaml` before training on it."""

import json
from pathlib import Path

import pandas as pd

from abreast.contract.expectations import ValidationResult, validate
from abreast.core import stage
from abreast.core.errors import AbreastError
from abreast.core.files import write_text
from abreast.knowledge.knowledge_base import latest_rows, read_base

CONTRACT = Path(__file__).with_name("knowledge_contract.yaml")
KNOWLEDGE = Path("data/knowledge.parquet")
CHANGES = Path("data/changes.parquet")
REPORT = Path("reports/validation.json")


def main() -> None:
    """Read knowledge and changes, write the report; refuse if an expectation is not met."""
    base = read_base(KNOWLEDGE)
    result = validate(CONTRACT, add_check_columns(base), {"rows": len(base)}, {}, title="the knowledge base")
    unknown = unknown_changes(base, read_base(CHANGES))
    _write_report(result, len(base), unknown)
    if result.breaches:
        breach = result.breaches[0]
        keys = f": keys {', '.join(breach.keys)}" if breach.keys else ""
        raise AbreastError(f"{KNOWLEDGE}: {breach.type} is not met: {breach.message}{keys}")
    if unknown:
        raise AbreastError(
            f"{CHANGES}: {len(unknown)} rows differ from the current rows of {KNOWLEDGE}: {', '.join(unknown[:5])}"
        )


def add_check_columns(base: pd.DataFrame) -> pd.DataFrame:
    """The knowledge base with the columns that `knowledge_contract.yaml` describes."""
    slot = base["key"].where(base["key"].notna(), " " + base["id"])
    open_ended = base["valid_until"].isna()
    ordered = base.assign(slot=slot).sort_values(["slot", "valid_from", "arrived_at"], kind="stable")
    begins_next = ordered.groupby("slot")["valid_from"].shift(-1).reindex(base.index)
    fact = base["kind"] == "fact"
    return base.assign(
        has_key=~fact | base["key"].notna(),
        open_rows=open_ended.groupby(slot).transform("sum").astype(int),
        ends_in_time=open_ended | (base["valid_from"] <= base["valid_until"].fillna("9999")),
        is_last=~open_ended | (base["valid_from"] == base.groupby(slot)["valid_from"].transform("max")),
        overlaps=~open_ended & (base["valid_until"].fillna("") > begins_next.fillna("9999")),
        has_content=~fact | (base["value"].isna() == base["withdrawn"]),
    )


def unknown_changes(base: pd.DataFrame, changes: pd.DataFrame) -> list[str]:
    """Keys (or ids, where there is no key) of changes that are not among the latest rows of the base."""
    columns = ["id", "key", "value", "valid_from", "withdrawn"]
    latest = set(latest_rows(base)[columns].astype(object).fillna("").itertuples(index=False, name=None))
    changed = changes[columns].astype(object).fillna("").itertuples(index=False, name=None)
    return [row[1] or row[0] for row in changed if row not in latest]


def _write_report(result: ValidationResult, rows: int, unknown: list[str]) -> None:
    breaches = [breach.model_dump() for breach in result.breaches]
    report = {"rows": rows, "expectations": result.checked, "breaches": breaches, "unknown_changes": len(unknown)}
    write_text(REPORT, json.dumps(report, indent=1) + "\n", crash_after="validate.reported")


if __name__ == "__main__":
    stage.run(main)
