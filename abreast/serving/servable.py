"""Whether a candidate can be served: loaded and asked in a fresh process, before it is judged."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from abreast.core.settings import SERVING_MEASURES, Gate
from abreast.dataset.examples import Question, read_questions
from abreast.knowledge.snapshot import load_snapshot
from abreast.reports.figures import SERVING, Figure, write_figures
from abreast.serving.probe import FOREIGN

EACH = 3
"""Questions of the update asked of each kind of record, beside one that no record asks."""
LIMIT = 600.0
"""Seconds after which a process that has not answered is ended."""


def measure_serving(clone: Path, gates: Sequence[Gate], environment: Mapping[str, str]) -> dict[str, Figure]:
    """Try the candidate of a finished update, and the champion if a gate compares with it; {} if no gate asks.

    Args:
        clone: where the stages ran; the figures are written into its reports, and its code is the one that serves.
        environment: of the processes.
    """
    asked = [gate for gate in gates if gate.scope == "serving"]
    parent = load_snapshot(clone).parent
    if not asked:
        return {}
    questions = smoke_questions(read_questions(clone / "data/questions.jsonl"))
    mine, why = try_serving(clone / "model", clone, questions, environment)
    theirs: dict[str, float] = {}
    if parent is not None and any(gate.compare_to == "champion" for gate in asked):
        theirs, _ = try_serving(clone / parent.model, clone, questions, environment)
    figures = {name: Figure(candidate=mine.get(name), champion=theirs.get(name)) for name in SERVING_MEASURES}
    figures["loads"] = figures["loads"].model_copy(update={"why": why})
    write_figures(clone / "reports" / SERVING, figures)
    return figures


def smoke_questions(questions: Sequence[Question]) -> list[dict[str, str]]:
    """A few questions of each kind, spread over those of the update, and for each kind one that no record asks.

    Raw text is asked nothing: of an update of raw text alone there is nothing to ask.
    """
    chosen = []
    for kind in dict.fromkeys(question.kind for question in questions if question.kind != "text"):
        held = [question.question for question in questions if question.kind == kind]
        picked = held[:: max(1, len(held) // EACH)][:EACH]
        chosen += [{"question": question, "kind": kind} for question in [*picked, FOREIGN]]
    return chosen


def try_serving(
    folder: Path, project: Path, questions: list[dict[str, str]], environment: Mapping[str, str], limit: float = LIMIT
) -> tuple[dict[str, float], str]:
    """Load a model folder in a process of its own, and ask.

    Args:
        project: the folder with the params.yaml and the code by which it is served.
        limit: seconds.

    Returns:
        the figures `SERVING_MEASURES` as far as they could be taken, `loads` being 1 or 0, and why it does not load.
    """
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6
    with tempfile.TemporaryDirectory(prefix="abreast-probe-") as place:
        asked, result, failure, log = (Path(place) / name for name in ("asked", "result", "failure", "log"))
        asked.write_text(json.dumps(questions))
        command = [sys.executable, "-m", "abreast.serving.probe", str(folder.resolve()), str(asked), str(result)]
        own = {"ABREAST_FAILURE": str(failure), "ABREAST_OWNER": str(os.getpid())}
        with log.open("w") as output:
            try:
                code = subprocess.run(
                    command, cwd=project, env={**environment, **own}, stdout=output, stderr=output, timeout=limit
                ).returncode
            except subprocess.TimeoutExpired:
                return {"loads": 0.0, "size_mb": size}, f"it had not answered after {limit:.0f} s"
        if code or not result.exists():
            return {"loads": 0.0, "size_mb": size}, _failure_reason(code, failure, log)
        taken = {name: value for name, value in json.loads(result.read_text()).items() if value is not None}
    return {"loads": 1.0, "size_mb": size, **taken}, ""


def _failure_reason(code: int, failure: Path, log: Path) -> str:
    """The reason that the process wrote, or how it ended."""
    if failure.exists():
        return failure.read_text()
    if code < 0:
        return f"its process was ended by signal {-code}"
    last = log.read_text(errors="replace").strip().splitlines()[-1:]
    return f"its process ended with {code}: {' '.join(last)[:300]}"
