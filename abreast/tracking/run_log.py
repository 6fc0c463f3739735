"""What MLflow's run of an update holds: knobs, data hashes, the learning curve, the measures and the reports."""

import csv
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from abreast.core.crash_points import crash_point
from abreast.core.errors import AbreastError
from abreast.ledger import Drop
from abreast.metrics.retention import RetentionMatrix
from abreast.reports.metrics import EvaluationMetrics
from abreast.reports.reports import Reports, read_reports
from abreast.tracking.retention_matrix import FIGURES

if TYPE_CHECKING:
    from mlflow import MlflowClient

_BATCH = 100  # what MLflow takes in one call: 100 params, 100 tags, 1,000 metrics


class RunFacts(BaseModel):
    """What one finished update hands over.

    `folder` is the run's clone: `model/` is the candidate, `reports/` everything that was measured.
    `params` are the knobs, by section; `snapshot` is the digest of the snapshot manifest. `retention` has the candidate
    as its last row.
    """

    model_config = ConfigDict(frozen=True)

    update: str
    commit: str
    parent: int | None
    drops: tuple[Drop, ...]
    snapshot: str
    params: dict[str, Any]
    folder: Path
    model_digest: str
    retention: RetentionMatrix

    @cached_property
    def reports(self) -> Reports:
        """The reports of the run; raises AbreastError if one is missing or damaged."""
        return read_reports(self.folder / "reports")

    @property
    def parent_name(self) -> str:
        """The parent as it is written on runs and versions: `v3`, or `none`."""
        return "none" if self.parent is None else f"v{self.parent}"


def find_run(client: "MlflowClient", experiment: str, facts: RunFacts) -> Any:
    """The run of this update, found by its tag or made."""
    if known := client.search_runs([experiment], f"tags.`abreast.update` = '{facts.update}'", max_results=1):
        return known[0]
    return client.create_run(experiment, run_name=facts.update, tags={"abreast.update": facts.update})


def log_run(client: "MlflowClient", run: Any, facts: RunFacts) -> None:
    """Everything that the facts hold; all values bear the time of the run's start, so that none is doubled."""
    from mlflow.entities import Metric, Param, RunTag

    params = [Param(name, str(value)) for name, value in flatten(facts.params)]
    tags = [RunTag(name, value) for name, value in _run_tags(facts).items()]
    at = run.info.start_time
    metrics = [Metric(name, value, at, step) for name, value, step in _series(facts)]
    for start in range(0, len(params), _BATCH):
        client.log_batch(run.info.run_id, params=params[start : start + _BATCH])
    crash_point("record.params")
    for start in range(0, len(tags), _BATCH):
        client.log_batch(run.info.run_id, tags=tags[start : start + _BATCH])
    for start in range(0, len(metrics), 10 * _BATCH):
        client.log_batch(run.info.run_id, metrics=metrics[start : start + 10 * _BATCH])
    crash_point("record.metrics")
    client.log_artifacts(run.info.run_id, str(facts.folder / "reports"), "reports")
    crash_point("record.artifacts")


def _run_tags(facts: RunFacts) -> dict[str, str]:
    return {
        "abreast.snapshot": facts.snapshot,
        "abreast.commit": facts.commit,
        "abreast.parent": facts.parent_name,
        "abreast.digest": facts.model_digest,
        **{f"abreast.drop.{drop.digest}": drop.name for drop in facts.drops},
    }


def _series(facts: RunFacts) -> Iterator[tuple[str, float, int]]:
    """Everything that is drawn or compared, as (name, value, step)."""
    yield from _measures(facts.reports.metrics)
    yield from _curve(facts.folder / "reports")
    measured = {name: of(facts.retention) for name, of in FIGURES.items()}
    yield from ((name, value, 0) for name, value in measured.items() if value is not None)


def _measures(metrics: EvaluationMetrics) -> Iterator[tuple[str, float, int]]:
    """The measures as (name, value, step); the candidate's own keep their plain names."""
    for name, value in flatten(metrics.model_dump()):
        if isinstance(value, (int, float)):
            yield name.removeprefix("candidate."), float(value), 0


def _curve(reports: Path) -> Iterator[tuple[str, float, int]]:
    """`curve.csv` as (name, value, step); an empty cell was not measured at that step."""
    try:
        with (reports / "curve.csv").open(newline="") as file:
            for row in csv.DictReader(file):
                step = int(row.pop("step"))
                yield from ((f"train.{name}", float(cell), step) for name, cell in row.items() if cell)
    except (OSError, ValueError, KeyError) as error:
        raise AbreastError(f"{reports / 'curve.csv'}: not readable ({error!r}); run the stage `train`") from None


def flatten(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Nested mappings as dotted names: `{"train": {"lr": 1}}` gives `("train.learning_rate", 1)`.

    A list of things that have a `name`, such as the gates, gives one line for each, of what is set in it.
    """
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from flatten(value, f"{prefix}{name}.")
        elif isinstance(value, list | tuple) and value and all(isinstance(v, Mapping) and "name" in v for v in value):
            for one in value:
                held = {key: inner for key, inner in one.items() if key != "name" and inner is not None}
                yield f"{prefix}{name}.{one['name']}", held
        else:
            yield f"{prefix}{name}", value
