"""The record of a study in MLflow: one run for the study, and in it one run per trial."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlflow import MlflowClient

CUT_OFF = "cut off"
STUDY, TRIAL, OUTCOME, REASON = "abreast.study", "abreast.trial", "abreast.outcome", "abreast.reason"
_STATUS = {"failed": "FAILED", CUT_OFF: "KILLED"}
_PARENT = "mlflow.parentRunId"


class StudyTracking:
    """The run of a study, found by its tag or created, and the runs of its trials; it ends runs that a kill left open.

    Args:
        experiment: the experiment's name.
        space: what is searched, as params of the study's run.
    """

    def __init__(self, client: "MlflowClient", experiment: str, study: str, space: Mapping[str, str]):
        from mlflow.entities import Param

        self._client = client
        found = client.get_experiment_by_name(experiment)
        self._experiment = found.experiment_id if found else client.create_experiment(experiment)
        self.run = self._study_run(study)
        client.update_run(self.run, status="RUNNING")
        client.log_batch(self.run, params=[Param(f"space.{name}", value) for name, value in space.items()])
        still_open = f"tags.`{_PARENT}` = '{self.run}' and attributes.status = 'RUNNING'"
        for left in client.search_runs([self._experiment], still_open):
            self.end_trial(left.info.run_id, CUT_OFF, {}, "the search was killed; these knobs are tried again")

    def _study_run(self, study: str) -> str:
        by_tag = f"tags.`{STUDY}` = '{study}'"
        if found := self._client.search_runs([self._experiment], by_tag, max_results=1):
            return found[0].info.run_id
        return self._client.create_run(self._experiment, run_name=f"tune {study}", tags={STUDY: study}).info.run_id

    def start_trial(self, number: int, knobs: Mapping[str, Any]) -> str:
        """Create the run of a trial; return its id."""
        from mlflow.entities import Param

        tags = {_PARENT: self.run, TRIAL: str(number)}
        run = self._client.create_run(self._experiment, run_name=f"trial {number}", tags=tags).info.run_id
        self._client.log_batch(run, params=[Param(name, str(value)) for name, value in knobs.items()])
        return run

    def log_row(self, run: str, row: Mapping[str, float]) -> None:
        """Log one row of a trial's curve."""
        self._log(run, {name: value for name, value in row.items() if name != "step"}, int(row["step"]))

    def end_trial(
        self, run: str, outcome: str, metrics: Mapping[str, float], reason: str = "", log: Path | None = None
    ) -> None:
        """End a trial's run as `complete`, `pruned`, `failed` or `cut off`, the last two with the reason."""
        self._log(run, metrics)
        self._client.set_tag(run, OUTCOME, outcome)
        if reason:
            self._client.set_tag(run, REASON, reason)
        if log is not None and log.exists():
            self._client.log_artifact(run, str(log))
        self._client.set_terminated(run, _STATUS.get(outcome, "FINISHED"))

    def finish_study(self, metrics: Mapping[str, float], report: Path) -> None:
        """Log the study's metrics and the files of `report`, and end its run."""
        self._log(self.run, metrics)
        self._client.log_artifacts(self.run, str(report), "tuning")
        self._client.set_terminated(self.run, "FINISHED")

    def page(self, uri: str) -> str:
        """The address of the study's page."""
        return f"{uri}/#/experiments/{self._experiment}/runs/{self.run}"

    def _log(self, run: str, metrics: Mapping[str, float], step: int = 0) -> None:
        from mlflow.entities import Metric
        from mlflow.utils.time import get_current_time_millis

        now = get_current_time_millis()
        self._client.log_batch(run, metrics=[Metric(name, float(value), now, step) for name, value in metrics.items()])
