"""What MLflow holds of a search: one run for the study, and in it one for each trial."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlflow import MlflowClient

CUT_OFF = "cut off"
STUDY, TRIAL, OUTCOME, REASON = "abreast.study", "abreast.trial", "abreast.outcome", "abreast.reason"
_STATUS = {"failed": "FAILED", CUT_OFF: "KILLED"}
_PARENT = "mlflow.parentRunId"


class Diary:
    """The run of a study, found by its tag or made, and the runs of its trials; those that a kill left open are ended.

    Args:
        experiment: the experiment's name.
        about: params of the study's run: what is searched.
    """

    def __init__(self, client: "MlflowClient", experiment: str, study: str, about: Mapping[str, str]):
        from mlflow.entities import Param

        self._client = client
        known = client.get_experiment_by_name(experiment)
        self._experiment = known.experiment_id if known else client.create_experiment(experiment)
        self.run = self._study(study)
        client.update_run(self.run, status="RUNNING")
        client.log_batch(self.run, params=[Param(f"space.{name}", value) for name, value in about.items()])
        open_still = f"tags.`{_PARENT}` = '{self.run}' and attributes.status = 'RUNNING'"
        for left in client.search_runs([self._experiment], open_still):
            self.end(left.info.run_id, CUT_OFF, {}, "the search was killed; these knobs come again")

    def _study(self, study: str) -> str:
        mine = f"tags.`{STUDY}` = '{study}'"
        if found := self._client.search_runs([self._experiment], mine, max_results=1):
            return found[0].info.run_id
        return self._client.create_run(self._experiment, run_name=f"tune {study}", tags={STUDY: study}).info.run_id

    def begin(self, number: int, knobs: Mapping[str, Any]) -> str:
        """The run of a trial that begins."""
        from mlflow.entities import Param

        tags = {_PARENT: self.run, TRIAL: str(number)}
        run = self._client.create_run(self._experiment, run_name=f"trial {number}", tags=tags).info.run_id
        self._client.log_batch(run, params=[Param(name, str(value)) for name, value in knobs.items()])
        return run

    def check(self, run: str, check: Mapping[str, float]) -> None:
        """A point of a trial's curve."""
        self._log(run, {name: value for name, value in check.items() if name != "step"}, int(check["step"]))

    def end(
        self, run: str, outcome: str, figures: Mapping[str, float], reason: str = "", log: Path | None = None
    ) -> None:
        """How a trial ended: `complete`, `pruned`, `failed` or `cut off`, the last two with the reason."""
        self._log(run, figures)
        self._client.set_tag(run, OUTCOME, outcome)
        if reason:
            self._client.set_tag(run, REASON, reason)
        if log is not None and log.exists():
            self._client.log_artifact(run, str(log))
        self._client.set_terminated(run, _STATUS.get(outcome, "FINISHED"))

    def close(self, figures: Mapping[str, float], report: Path) -> None:
        """The study's figures and the files of `report`."""
        self._log(self.run, figures)
        self._client.log_artifacts(self.run, str(report), "tuning")
        self._client.set_terminated(self.run, "FINISHED")

    def page(self, uri: str) -> str:
        """The address of the study's page."""
        return f"{uri}/#/experiments/{self._experiment}/runs/{self.run}"

    def _log(self, run: str, figures: Mapping[str, float], step: int = 0) -> None:
        from mlflow.entities import Metric
        from mlflow.utils.time import get_current_time_millis

        now = get_current_time_millis()
        self._client.log_batch(run, metrics=[Metric(name, float(value), now, step) for name, value in figures.items()])
