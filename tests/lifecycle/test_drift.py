import json
from pathlib import Path

import pytest

from abreast.core.errors import AbreastError
from abreast.core.settings import DriftGate, Knowledge, Params
from abreast.gates.figure_gates import judge_figure
from abreast.knowledge.knowledge_base import apply_drops, write_base
from abreast.knowledge.snapshot import DropRef, ParentRef, Snapshot, save_snapshot
from abreast.lifecycle.drift import drift_of_update, figure_of, read_live
from abreast.reports.figures import DRIFT, read_figures, write_figures
from tests.dataset.making import drop
from tests.evaluation.drift.test_two_sample import CAKES, ROADS
from tests.installation import SOURCE

GATE = DriftGate(name="drift", measure="drift", scope="drift", at_most=0.8, on_fail="warn")


PARAMS = Params(knowledge=Knowledge(templates=str(SOURCE / "abreast/dataset/templates.yaml")))


def update(folder: Path, known: list[str], comes: list[str]) -> Path:
    """The clone of an update after `assemble`, whose parent knows some texts and whose drop brings others."""
    first, second = (
        drop(name, [{"kind": "text", "text": text} for text in texts], day)
        for day, (name, texts) in enumerate((("roads", known), ("later", comes)), start=1)
    )
    base, _ = apply_drops(None, [first])
    _, changes = apply_drops(base, [second])
    write_base(folder / "data/parent/knowledge.parquet", base)
    write_base(folder / "data/changes.parquet", changes)
    (info, _), parent = second, ParentRef(version="v1", digest="0" * 64, path="data/parent")
    ref = DropRef(digest=info.digest, path=f"data/drops/{info.digest}", arrived_at=info.arrived_at, name=info.name)
    save_snapshot(folder, Snapshot(drops=(ref,), parent=parent))
    return folder


@pytest.mark.parametrize(
    ("comes", "outcome", "size"), [(CAKES, "failed", pytest.approx(1.0, abs=0.05)), (ROADS[1::2], "passed", 0.5)]
)
def test_a_gate_warns_of_what_is_unlike_all_that_was_known(tmp_path, comes, outcome, size):
    drift = drift_of_update(update(tmp_path, ROADS[::2], comes), PARAMS)
    assert (drift.what, drift.before, drift.now) == ("later", len(ROADS[::2]), len(comes))
    (tmp_path / "reports").mkdir()
    write_figures(tmp_path / "reports" / DRIFT, figure_of(drift, PARAMS.drift.p_value))
    (result,) = judge_figure(GATE, read_figures(tmp_path / "reports"), "candidate")
    assert (result.outcome, result.measured, result.n) == (outcome, size, len(comes))
    assert result.asks is None, "it warns and holds nothing up"
    assert "new words" in result.reason


def test_a_first_update_and_too_few_texts_have_nothing_to_be_compared_with(tmp_path):
    clone = update(tmp_path, ROADS, CAKES[:2])
    assert figure_of(drift_of_update(clone, PARAMS), 0.01) == {}
    save_snapshot(clone, Snapshot(drops=(), parent=None))
    assert drift_of_update(clone, PARAMS) is None


def test_live_questions_are_read_from_a_file_or_a_folder_in_order(tmp_path):
    (tmp_path / "b.jsonl").write_text(json.dumps({"question": "Second?", "at": "2026-01-02"}) + "\n\n")
    (tmp_path / "a.jsonl").write_text(json.dumps({"question": "First?"}) + "\n")
    (tmp_path / "notes.txt").write_text("not a log")
    assert read_live(tmp_path) == ["First?", "Second?"]
    assert read_live(tmp_path / "b.jsonl") == ["Second?"]


@pytest.mark.parametrize("line", ["{", "[]", '"text"', "{}", '{"question": 3}', '{"question": " "}'])
def test_a_line_without_a_question_is_named(tmp_path, line):
    (tmp_path / "log.jsonl").write_text(f'{{"question": "Right?"}}\n{line}\n')
    with pytest.raises(AbreastError, match=r"log\.jsonl: line 2: must be a JSON object with a text `question`"):
        read_live(tmp_path / "log.jsonl")


def test_a_missing_log_is_named(tmp_path):
    with pytest.raises(AbreastError, match=r"gone\.jsonl: not readable"):
        read_live(tmp_path / "gone.jsonl")
