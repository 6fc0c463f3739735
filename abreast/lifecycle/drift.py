"""What comes in, beside what the champion was trained on: a drop, a file of records, or logged questions."""

import json
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd

from abreast.core.errors import AbreastError
from abreast.core.project import Project
from abreast.core.settings import Params
from abreast.dataset.templates import Templates, load_templates
from abreast.evaluation.drift.comparison import DriftResult, compare_samples, drift_report
from abreast.evaluation.drift.sample import sample_of_questions, sample_of_rows
from abreast.knowledge.drop import read_delivery, read_drop
from abreast.knowledge.knowledge_base import apply_drops, read_base
from abreast.knowledge.snapshot import load_snapshot
from abreast.ledger import Drop, Ledger
from abreast.lifecycle.intake import knowledge_file, store_of
from abreast.reports.figures import Figure

_SALT = "drift"
CHANCE = 0.5


def drift_of_drop(project: Project, ledger: Ledger, drop: Drop) -> DriftResult:
    """An accepted drop, compared with what the champion knows from other drops."""
    rows, _ = apply_drops(None, [read_drop(store_of(project).fetch(drop.digest, drop.pointer))])
    base = champion_knowledge(project, ledger)
    return _compare(project.root, project.params, drop.name, base[base["drop"] != drop.digest], rows)


def drift_of_update(clone: Path, params: Params) -> DriftResult | None:
    """The new data of an update, compared with what its parent knows; None without a parent.

    Args:
        clone: the update's folder, its stage `assemble` done.
        params: the settings of its commit.
    """
    snapshot = load_snapshot(clone)
    if snapshot.parent is None:
        return None
    before, now = read_base(clone / snapshot.parent.knowledge), read_base(clone / "data/changes.parquet")
    return _compare(clone, params, ", ".join(drop.name for drop in snapshot.drops), before, now)


def figure_of(drift: DriftResult, level: float) -> dict[str, Figure]:
    """The figure for the gates: the AUC of new against known data, and 0.5 where the test shows no drift.

    Args:
        level: of the test, `drift.p_value`.
    """
    if drift.p is None:
        return {}
    size = drift.size if drift.p <= level else CHANCE
    return {"drift": Figure(candidate=size, n=drift.now, why="; ".join(drift_report(drift).splitlines()[1:]))}


def drift_of_files(project: Project, ledger: Ledger, path: Path) -> DriftResult:
    """A file or folder of records that need not have arrived.

    Raises:
        AbreastError: it is not there, or one of its rows is no record.
    """
    if not path.exists():
        raise AbreastError(f"{path}: no such drop, file or folder; `abreast history` names the drops")
    with tempfile.TemporaryDirectory(prefix="abreast-drift-") as folder:
        if path.is_file():
            shutil.copy(path, folder)
        whole = Path(folder) if path.is_file() else path
        rows, _ = apply_drops(None, [read_delivery(whole, path.name, datetime.now(UTC).isoformat())])
    return _compare(project.root, project.params, path.name, champion_knowledge(project, ledger), rows)


def drift_of_live(project: Project, ledger: Ledger, path: Path) -> DriftResult:
    """Logged questions, compared with the questions on what the champion knows."""
    knobs, templates = project.params.drift, _templates(project.root, project.params)
    known = sample_of_rows(champion_knowledge(project, ledger), templates, knobs.max_samples, _SALT)
    return compare_samples(path.name, known, sample_of_questions(read_live(path)[-knobs.max_samples :]), knobs)


def read_live(path: Path) -> list[str]:
    """The questions of a JSONL file, or of all such files of a folder in the order of their names, as they stand.

    Raises:
        AbreastError: there is no such file, or a line has no `question`.
    """
    files = sorted(path.glob("*.jsonl")) if path.is_dir() else [path]
    questions = []
    for file in files:
        try:
            lines = file.read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise AbreastError(f"{file}: not readable ({error}); it is the log of live questions") from None
        questions += [_question(line, f"{file}: line {number}") for number, line in enumerate(lines, start=1) if line]
    return questions


def champion_knowledge(project: Project, ledger: Ledger) -> pd.DataFrame:
    """The knowledge base that the champion was trained on; raises AbreastError if there is no champion."""
    line = project.params.model.name
    champion = ledger.promotions.champion(line)
    if champion is None:
        raise AbreastError(f"{line} has no champion yet: there is nothing to compare with")
    return read_base(knowledge_file(project, ledger.versions.get(line, champion)))


def _compare(root: Path, params: Params, what: str, before: pd.DataFrame, now: pd.DataFrame) -> DriftResult:
    knobs, templates = params.drift, _templates(root, params)
    return compare_samples(
        what, *(sample_of_rows(rows, templates, knobs.max_samples, _SALT) for rows in (before, now)), knobs
    )


def _templates(root: Path, params: Params) -> Templates:
    return load_templates(root / params.knowledge.templates)


def _question(line: str, where: str) -> str:
    try:
        question = json.loads(line)["question"]
    except (ValueError, KeyError, TypeError):
        question = None
    if not isinstance(question, str) or not question.strip():
        raise AbreastError(f'{where}: must be a JSON object with a text `question`, such as {{"question": "..."}}')
    return question
