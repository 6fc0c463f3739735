import json

import pytest

from abreast.errors import AbreastError
from abreast.evaluation.verdict import Verdict
from abreast.registry.card import describe, with_verdict
from abreast.registry.ledger.rows import Drop
from tests.registry.conftest import POINTER, answer, digest_of, drop_info, finished_run, verdict

DROP = Drop(
    **drop_info("2026-q1").model_dump(exclude={"records_digest"}),
    seq=1,
    status="accepted",
    uri=None,
    pointer=POINTER,
    reasons=(),
)


def card(folder, *answers, parent=None):
    if answers:
        (folder / "reports" / "answers.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in answers))
    return describe(folder / "reports", [DROP], parent, "u0001", "c" * 40)


def test_the_page_tells_what_arrived_what_was_measured_and_where_it_comes_from(tmp_path):
    page = card(finished_run(tmp_path))
    assert f"- 2026-q1: 2 records (`{digest_of('2026-q1')[:12]}`)" in page
    assert "From the base model, by update u0001 at commit `cccccccccccc`." in page
    assert "| right answers on what these drops brought | 0.95 | – | 0.95 |" in page
    assert "From v3," in card(tmp_path, parent=3)


def test_learned_is_against_the_base_until_there_is_a_champion(tmp_path):
    page = card(finished_run(tmp_path))
    assert "### Learned: 1\n- Newest Python 3.12? `3.12.1`; before `x`, right is `3.12.1`" in page
    assert "### Stale: 1\n- End of Debian 12? `2026`; before `x`, right is `2028`" in page
    assert "### Lost: 0" in page


def test_lost_is_what_the_champion_knew(tmp_path):
    known = answer("Newest Go?", "1.22", "1.21")
    kept = answer("Newest Rust?", "1.80", "1.80")
    for row, value in ((known, "1.22"), (kept, "1.80")):
        row["champion"], row["right"]["champion"] = value, True
    page = card(finished_run(tmp_path), known, kept)
    assert "### Lost: 1\n- Newest Go? `1.21`; before `1.22`, right is `1.22`" in page
    assert "### Learned: 0" in page


def test_many_answers_are_sampled_and_cannot_break_the_page(tmp_path):
    rows = [answer(f"Is {i} | `x`\n## a heading?", "yes", "y`es\n---\n", ["y`es ---"]) for i in range(9)]
    page = card(finished_run(tmp_path), *rows)
    assert "### Stale: 9" in page
    assert "- and 4 more in the run's `reports/answers.jsonl`" in page
    assert "\n## a heading" not in page
    assert "\n---\n" not in page


def test_a_later_verdict_replaces_the_earlier_one(tmp_path):
    page = card(finished_run(tmp_path))
    refused = with_verdict(page, verdict(passed=False))
    assert "| current_exact_match | 0.5 | at least 0.9 | – | 0.45 to 0.54 | 60 | **not passed** |" in refused
    assert with_verdict(refused, verdict(passed=True)) == with_verdict(page, verdict(passed=True))
    assert with_verdict(refused, verdict(passed=True)).endswith(page)


@pytest.mark.parametrize(
    ("outcome", "does", "said"),
    [
        ("passed", "block", "passed"),
        ("undecided", "block", "**undecided**"),
        ("failed", "review", "**to be reviewed**"),
        ("failed", "warn", "warning"),
    ],
)
def test_a_gate_says_what_became_of_it_and_what_its_interval_is_of(outcome, does, said):
    (gate,) = verdict(passed=True).gates
    gate = gate.model_copy(
        update={"outcome": outcome, "does": does, "of": "difference", "interval": (-0.1, 0.021), "champion": 0.97}
    )
    page = with_verdict("the page", verdict(passed=True).model_copy(update={"gates": (gate,)}))
    assert f"| 0.95 | at least 0.9 | 0.97 | difference -0.1 to 0.021 | 60 | {said} |" in page
    bare = with_verdict(
        "the page", Verdict(verdict="pass", reasons=(), gates=(gate.model_copy(update={"interval": None, "n": None}),))
    )
    assert f"| 0.97 | – | – | {said} |" in bare


def test_the_base_with_examples_has_a_column_where_it_was_asked_and_a_note_where_it_suffices(tmp_path):
    reports = finished_run(tmp_path) / "reports"
    assert "| measure | this version | champion | untrained base |\n" in card(tmp_path)
    metrics = json.loads((reports / "metrics.json").read_text())
    metrics["in_context"] = metrics["base"] | {"current_exact_match": 0.875, "examples": 4}
    (reports / "metrics.json").write_text(json.dumps(metrics))
    page = card(tmp_path)
    assert (
        "| measure | this version | champion | untrained base | base with examples |\n|---|---|---|---|---|\n" in page
    )
    assert "| right answers on what these drops brought | 0.95 | – | 0.95 | 0.875 |" in page
    noted = verdict(passed=True).model_copy(update={"note": "training is not needed: it is all there"})
    judged = with_verdict(page, noted)
    assert "| passed |\n\nNote: training is not needed: it is all there.\n\n---\n" in judged
    assert with_verdict(judged, verdict(passed=True)) == with_verdict(page, verdict(passed=True))


def test_unreadable_answers_are_named(tmp_path):
    (finished_run(tmp_path) / "reports" / "answers.jsonl").write_text("{")
    with pytest.raises(AbreastError, match=r"answers\.jsonl: not readable"):
        card(tmp_path)


def test_every_kind_is_told_where_there_is_more_than_facts(tmp_path):
    reports = finished_run(tmp_path) / "reports"
    metrics = json.loads((reports / "metrics.json").read_text())
    figures = {"current": {"accuracy": 0.8, "macro_f1": 0.75}, "known": {"accuracy": 0.8, "macro_f1": 0.75}}
    kind = {"counts": {"current": 40, "retained": 0, "known": 40}, "candidate": figures, "champion": None}
    metrics["by_kind"] = {"classification": kind | {"base": {"current": {"accuracy": 0.1, "macro_f1": None}}}}
    (reports / "metrics.json").write_text(json.dumps(metrics))
    page = card(tmp_path)
    assert "| classification, new (40): accuracy | 0.8 | – | 0.1 |" in page
    assert "| classification, new (40): macro f1 | 0.75 | – | – |" in page
    assert "known before (" not in page
    metrics["by_kind"] = {"fact": kind}
    (reports / "metrics.json").write_text(json.dumps(metrics))
    assert "fact, new" not in card(tmp_path)
