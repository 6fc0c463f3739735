"""The trials of a study: which knobs come next, which trial is stopped early, and how a killed search continues.

The sampler is TPE (Bergstra et al. 2011, NeurIPS), the pruner the median rule (Golovin et al. 2017, doi
10.1145/3097983.3098043): a training that is worse than half of the complete ones were at the same check is stopped.
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from abreast.core.crash_points import crash_point
from abreast.core.errors import AbreastError, Unavailable
from abreast.core.project import Project
from abreast.tuning.prepared_study import PreparedStudy
from abreast.tuning.results import RESULT_ATTRIBUTE, TrialResult, finished_trials
from abreast.tuning.space import Space
from abreast.tuning.study_tracking import StudyTracking
from abreast.tuning.trial_training import CurveRow, TrialTraining, objective

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.trial import FrozenTrial

STARTUP = 4
"""Trials with random knobs that run to their end, before any is stopped early."""
WARMUP = 1
"""Evaluations of each trial that never stop it."""
_MEASURES = ("dev_exact_match", "dev_loss")


def open_study(prepared: PreparedStudy, seed: int) -> "Study":
    """The study in `study.db` of its folder, opened or created."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(
        storage=f"sqlite:///{prepared.folder / 'study.db'}",
        study_name=prepared.study,
        direction="maximize",
        pruner=optuna.pruners.MedianPruner(n_startup_trials=STARTUP, n_warmup_steps=WARMUP + 1),
        load_if_exists=True,
    )
    # With the same seed a new sampler would draw the same knobs again.
    study.sampler = optuna.samplers.TPESampler(n_startup_trials=STARTUP, seed=seed + len(study.trials))
    return study


class Search:
    """Trials of one study, one after the other.

    Args:
        on_progress: called with the number of finished trials and a note.
    """

    def __init__(
        self,
        project: Project,
        space: Space,
        prepared: PreparedStudy,
        study: "Study",
        tracking: StudyTracking,
        on_progress: Callable[[int, str], None] = lambda done, note: None,
    ):
        self._project, self._space, self._prepared = project, space, prepared
        self._study, self._tracking, self._on_progress = study, tracking, on_progress

    def run(self, trials: int, seconds: float | None = None) -> None:
        """Run trials until `trials` of the study have ended; start none after `seconds`.

        A study begins with the current knobs, if the space contains them. A killed trial is repeated.

        Raises:
            Unavailable: MLflow does not answer, or the disk is full; finished trials are kept.
        """
        from optuna.trial import TrialState

        started = time.monotonic()
        for trial in self._study.get_trials(states=(TrialState.RUNNING,)):
            self._recover(trial)
        if not self._study.trials and (current := self._space.current(self._project.params)):
            self._study.enqueue_trial(current)
        while (done := len(finished_trials(self._study))) < trials:
            if seconds is not None and time.monotonic() - started >= seconds:
                return
            self._run_trial(self._study.ask(), done)

    def _recover(self, trial: "FrozenTrial") -> None:
        """After a kill: record the end of a trial that had ended, or else queue its knobs again."""
        from optuna.trial import TrialState

        if RESULT_ATTRIBUTE in trial.user_attrs:
            self._end(trial.number, TrialResult(**trial.user_attrs[RESULT_ATTRIBUTE]))
            return
        self._study.enqueue_trial(trial.params)
        self._study.tell(trial.number, state=TrialState.FAIL)

    def _run_trial(self, trial: "Trial", done: int) -> None:
        knobs = self._space.suggest(trial)
        run = self._tracking.start_trial(trial.number, knobs)
        crash_point("tune.begun")
        watcher = _CurveWatcher(
            trial, run, self._tracking, self._prepared.dev_questions, lambda note: self._on_progress(done, note)
        )
        training = TrialTraining(self._project, self._prepared, trial.number)
        result = watcher.result(knobs, *self._outcome(training, knobs, watcher))
        measures = {"checks": watcher.checks, "tokens": result.tokens, "seconds": result.seconds}
        self._tracking.end_trial(run, result.outcome, measures | watcher.best_measures, result.reason, training.log)
        trial.set_user_attr(RESULT_ATTRIBUTE, result.model_dump())
        crash_point("tune.ended")
        self._end(trial.number, result)
        training.clear()

    def _outcome(self, training: TrialTraining, knobs: dict[str, Any], watcher: "_CurveWatcher") -> tuple[str, str]:
        """Train; return the outcome and the reason."""
        try:
            summary = training.run(knobs, watcher)
        except Unavailable:
            raise
        except AbreastError as error:
            return "failed", str(error)
        if not summary:
            return "pruned", f"worse than half of the complete trials at check {watcher.checks}"
        if not watcher.checks:
            return "failed", f"no check on the development set: {summary['stopped']}"
        return "complete", summary["stopped"]

    def _end(self, number: int, result: TrialResult) -> None:
        from optuna.trial import TrialState

        if result.outcome == "complete":
            self._study.tell(number, result.value)
        else:
            self._study.tell(number, state=TrialState.PRUNED if result.outcome == "pruned" else TrialState.FAIL)


class _CurveWatcher:
    """Passes each row of the curve to optuna and MLflow, and returns whether the training may continue."""

    def __init__(self, trial: "Trial", run: str, tracking: StudyTracking, questions: int, note: Callable[[str], None]):
        self._trial, self._run, self._tracking, self._questions, self._note = trial, run, tracking, questions, note
        self._started = time.monotonic()
        self._best: tuple[float, CurveRow] | None = None
        self._last: CurveRow = {}
        self.checks = 0

    def __call__(self, row: CurveRow) -> bool:
        value = objective(row, self._questions)
        self.checks, self._last = self.checks + 1, row
        if self._best is None or value > self._best[0]:
            self._best = value, row
        self._tracking.log_row(self._run, row)
        self._trial.report(value, self.checks)
        self._note(f"trial {self._trial.number}, check {self.checks}: {row['dev_exact_match']:.0%} answered")
        crash_point("tune.checked")
        return not self._trial.should_prune()

    @property
    def best_measures(self) -> dict[str, float]:
        """The measures of the best evaluation, which MLflow shows beside the curve."""
        if self._best is None:
            return {}
        value, row = self._best
        return {"objective": value} | {f"best_{name}": row[name] for name in _MEASURES if name in row}

    def result(self, knobs: dict[str, Any], outcome: str, reason: str) -> TrialResult:
        """The result of the trial, from its best evaluation."""
        value, row = self._best or (None, {})
        return TrialResult(
            number=self._trial.number,
            outcome=outcome,
            reason=reason,
            knobs=knobs,
            value=value,
            tokens=int(self._last.get("tokens", 0)),
            seconds=round(time.monotonic() - self._started, 1),
            **{name: row.get(name) for name in _MEASURES},
        )
