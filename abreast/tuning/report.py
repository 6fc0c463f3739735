"""The report of a study: a table of its trials, the best knobs, and two plots."""

import csv
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from abreast.core.settings import Params
from abreast.tuning.results import TrialResult, dvc_command, params_yaml, rank

if TYPE_CHECKING:
    from optuna import Study

COLUMNS = ("number", "outcome", "dev_exact_match", "dev_loss", "tokens", "seconds", "knobs", "reason")


def write_study_report(folder: Path, study: "Study", trials: Sequence[TrialResult], params: Params) -> None:
    """trials.csv, best.yaml, history.png and, if two complete trials differ, importances.png.

    Args:
        trials: at least one of them complete.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    with (folder / "trials.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for one in rank(trials):
            writer.writerow(one.model_dump(include=set(COLUMNS)) | {"knobs": json.dumps(one.knobs)})
    best = rank(trials)[0].knobs
    (folder / "best.yaml").write_text(f"# {dvc_command(params, best)}\n{params_yaml(params, best)}")
    _plot(folder, study, len({one.value for one in trials if one.outcome == "complete"}) > 1)


def _plot(folder: Path, study: "Study", with_importances: bool) -> None:
    import warnings

    import matplotlib

    matplotlib.use("Agg")
    from optuna.exceptions import ExperimentalWarning
    from optuna.visualization.matplotlib import plot_optimization_history, plot_param_importances

    with warnings.catch_warnings(), matplotlib.rc_context():
        warnings.simplefilter("ignore", ExperimentalWarning)
        plots = {"history": plot_optimization_history} | (
            {"importances": plot_param_importances} if with_importances else {}
        )
        for name, plot in plots.items():
            figure = plot(study, target_name="development set").figure
            figure.savefig(folder / f"{name}.png", dpi=120, bbox_inches="tight")
