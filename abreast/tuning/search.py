"""The study: what is tried next, what is stopped early, and how a search that was killed goes on.

The sampler is TPE (Bergstra et al. 2011, NeurIPS), the pruner the median rule (Golovin et al. 2017, doi
10.1145/3097983.3098043): a training that is worse than half of the complete ones were at the same check is stopped.
"""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from abreast.core.crash_points import crash_point
from abreast.core.errors import AbreastError, Unavailable
from abreast.core.project import Project
from abreast.tuning.attempt import Attempt, Check, objective
from abreast.tuning.diary import Diary
from abreast.tuning.prepared import Prepared
from abreast.tuning.results import TRIED, Tried, tried
from abreast.tuning.space import Space

if TYPE_CHECKING:
    from optuna import Study, Trial
    from optuna.trial import FrozenTrial

STARTUP = 4
"""So many trials are drawn at random and run to their end, before any is stopped early."""
WARMUP = 1
"""Checks of each trial that are never held against it."""
_FIGURES = ("dev_exact_match", "dev_loss")


def open_study(prepared: Prepared, seed: int) -> "Study":
    """The study in `study.db` of its folder, found or made."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(
        storage=f"sqlite:///{prepared.folder / 'study.db'}",
        study_name=prepared.study,
        direction="maximize",
        pruner=optuna.pruners.MedianPruner(n_startup_trials=STARTUP, n_warmup_steps=WARMUP + 1),
        load_if_exists=True,
    )
    # A sampler that began anew with the same seed would draw again what it drew before.
    study.sampler = optuna.samplers.TPESampler(n_startup_trials=STARTUP, seed=seed + len(study.trials))
    return study


class Search:
    """Trials of one study, one after the other.

    Args:
        told: called with the trials done and a note.
    """

    def __init__(
        self,
        project: Project,
        space: Space,
        prepared: Prepared,
        study: "Study",
        diary: Diary,
        told: Callable[[int, str], None] = lambda done, note: None,
    ):
        self._project, self._space, self._prepared = project, space, prepared
        self._study, self._diary, self._told = study, diary, told

    def run(self, trials: int, seconds: float | None = None) -> None:
        """Try until the study has `trials` that ended, or no new one after `seconds`.

        A study begins with the knobs as they are, if the space holds them. A trial that was cut off is tried again.

        Raises:
            Unavailable: MLflow does not answer, or the disk is full; what was done is kept.
        """
        from optuna.trial import TrialState

        started = time.monotonic()
        for trial in self._study.get_trials(states=(TrialState.RUNNING,)):
            self._take_up(trial)
        if not self._study.trials and (present := self._space.present(self._project.params)):
            self._study.enqueue_trial(present)
        while (done := len(tried(self._study))) < trials:
            if seconds is not None and time.monotonic() - started >= seconds:
                return
            self._try(self._study.ask(), done)

    def _take_up(self, trial: "FrozenTrial") -> None:
        """A trial whose process was killed: if only its end was not written down, that; else its knobs come next."""
        from optuna.trial import TrialState

        if TRIED in trial.user_attrs:
            self._end(trial.number, Tried(**trial.user_attrs[TRIED]))
            return
        self._study.enqueue_trial(trial.params)
        self._study.tell(trial.number, state=TrialState.FAIL)

    def _try(self, trial: "Trial", done: int) -> None:
        knobs = self._space.suggest(trial)
        run = self._diary.begin(trial.number, knobs)
        crash_point("tune.begun")
        watch = _Watch(trial, run, self._diary, self._prepared.dev, lambda note: self._told(done, note))
        attempt = Attempt(self._project, self._prepared, trial.number)
        ended = watch.tried(knobs, *self._outcome(attempt, knobs, watch))
        figures = {"checks": watch.checks, "tokens": ended.tokens, "seconds": ended.seconds}
        self._diary.end(run, ended.outcome, figures | watch.best_figures, ended.reason, attempt.log)
        trial.set_user_attr(TRIED, ended.model_dump())
        crash_point("tune.ended")
        self._end(trial.number, ended)
        attempt.clear()

    def _outcome(self, attempt: Attempt, knobs: dict[str, Any], watch: "_Watch") -> tuple[str, str]:
        """Train; how that ended, and why."""
        try:
            summary = attempt.run(knobs, watch)
        except Unavailable:
            raise
        except AbreastError as error:
            return "failed", str(error)
        if not summary:
            return "pruned", f"worse than half of the complete trials at check {watch.checks}"
        if not watch.checks:
            return "failed", f"no check on the development set: {summary['stopped']}"
        return "complete", summary["stopped"]

    def _end(self, number: int, ended: Tried) -> None:
        from optuna.trial import TrialState

        if ended.outcome == "complete":
            self._study.tell(number, ended.value)
        else:
            self._study.tell(number, state=TrialState.PRUNED if ended.outcome == "pruned" else TrialState.FAIL)


class _Watch:
    """Hands each check to study and diary, and says whether the trial may go on."""

    def __init__(self, trial: "Trial", run: str, diary: Diary, questions: int, told: Callable[[str], None]):
        self._trial, self._run, self._diary, self._questions, self._told = trial, run, diary, questions, told
        self._started = time.monotonic()
        self._best: tuple[float, Check] | None = None
        self._last: Check = {}
        self.checks = 0

    def __call__(self, check: Check) -> bool:
        value = objective(check, self._questions)
        self.checks, self._last = self.checks + 1, check
        if self._best is None or value > self._best[0]:
            self._best = value, check
        self._diary.check(self._run, check)
        self._trial.report(value, self.checks)
        self._told(f"trial {self._trial.number}, check {self.checks}: {check['dev_exact_match']:.0%} answered")
        crash_point("tune.checked")
        return not self._trial.should_prune()

    @property
    def best_figures(self) -> dict[str, float]:
        """What MLflow shows beside the curve."""
        if self._best is None:
            return {}
        value, check = self._best
        return {"objective": value} | {f"best_{name}": check[name] for name in _FIGURES if name in check}

    def tried(self, knobs: dict[str, Any], outcome: str, reason: str) -> Tried:
        """What is kept of the trial."""
        value, check = self._best or (None, {})
        return Tried(
            number=self._trial.number,
            outcome=outcome,
            reason=reason,
            knobs=knobs,
            value=value,
            tokens=int(self._last.get("tokens", 0)),
            seconds=round(time.monotonic() - self._started, 1),
            **{name: check.get(name) for name in _FIGURES},
        )
