import pytest

from abreast.reports.verdict import Verdict
from abreast.tracking.card.head import LIMIT, RULE, pad_table, with_verdict
from tests.lifecycle.ledgers import verdict


def test_a_later_verdict_replaces_the_earlier_one():
    refused = with_verdict("the page", verdict(passed=False))
    assert "| current_exact_match | 0.5 | at least 0.9 | – | 0.45 to 0.54 | 60 | **not passed** |" in refused
    assert "It stays out of service, because of **current_exact_match**." in refused
    assert with_verdict(refused, verdict(passed=True)) == with_verdict("the page", verdict(passed=True))
    assert with_verdict(refused, verdict(passed=True)).endswith(f"{RULE}the page")


@pytest.mark.parametrize(
    ("outcome", "on_fail", "said"),
    [
        ("passed", "block", "passed"),
        ("undecided", "block", "**undecided**"),
        ("failed", "review", "**to be reviewed**"),
        ("failed", "warn", "warning"),
    ],
)
def test_a_gate_shows_its_outcome_and_the_kind_of_its_interval(outcome, on_fail, said):
    (gate,) = verdict(passed=True).gates
    gate = gate.model_copy(
        update={"outcome": outcome, "on_fail": on_fail, "of": "difference", "interval": (-0.1, 0.021), "champion": 0.97}
    )
    page = with_verdict("the page", verdict(passed=True).model_copy(update={"gates": (gate,)}))
    assert f"| 0.95 | at least 0.9 | 0.97 | difference -0.1 to 0.021 | 60 | {said} |" in page
    bare = with_verdict(
        "the page", Verdict(verdict="pass", reasons=(), gates=(gate.model_copy(update={"interval": None, "n": None}),))
    )
    assert f"| 0.97 | – | – | {said} |" in bare


def test_a_note_has_a_paragraph_of_its_own():
    noted = verdict(passed=True).model_copy(update={"note": "training is not needed: it is all there"})
    judged = with_verdict("the page", noted)
    assert f"| passed |\n\nNote: training is not needed: it is all there.{RULE}" in judged


def test_more_gates_than_mlflow_takes_leave_those_that_hold_the_version_up():
    (missed,), (kept,) = verdict(passed=False).gates, verdict(passed=True).gates
    gates = (missed, *(kept.model_copy(update={"name": f"gate {number}"}) for number in range(100)))
    page = with_verdict("body " * 500, verdict(passed=False).model_copy(update={"gates": gates}))
    assert len(pad_table(page)) <= LIMIT
    assert page.endswith("body ")
    assert "**not passed**" in page
    shown = page.count("| passed |")
    assert 0 < shown < 100
    assert f"| and {100 - shown} more gates |" in page


def test_even_a_page_without_end_keeps_its_head():
    page = with_verdict("one line\n" * 1000, verdict(passed=False))
    assert len(pad_table(page)) <= LIMIT
    assert page.startswith("## Verdict: fail")
    assert page.endswith("one line\n…")


def test_a_name_of_a_slice_cannot_break_the_table():
    (gate,) = verdict(passed=True).gates
    gate = gate.model_copy(update={"name": "retention by domain [a | b <i>]"})
    page = with_verdict("the page", verdict(passed=True).model_copy(update={"gates": (gate,)}))
    (row,) = [line for line in page.splitlines() if "retention" in line]
    assert row.count("|") == 8
    assert "<i>" not in row


def test_tables_are_padded_once_and_the_text_stays():
    table = "| a | b |\n|---|---|\n| 1 | |\n\n- `a | b`\n"
    spaced = pad_table(table)
    assert pad_table(spaced) == spaced != table
    assert spaced.replace("\u00a0", "").replace("\u200b", "") == table
    assert spaced.endswith("\n- `a | b`\n")
