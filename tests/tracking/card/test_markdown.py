import re

import pytest

from abreast.tracking.card.markdown import BODY, description, full_card
from abreast.tracking.retention_matrix import retention_of
from tests.lifecycle.ledgers import answer, digest_of, finished_run, verdict
from tests.tracking.card.pages import page_of
from tests.tracking.test_retention_matrix import ANCESTORS, NOW, row


def lost(question, now="b"):
    row = answer(question, "a", now)
    row["champion"], row["right"]["champion"] = "a", True
    return row


def test_the_page_shows_drops_measures_and_origin(tmp_path):
    page = description(page_of(finished_run(tmp_path)))
    assert f"| 2026-q1 | 3 | 2 | 1 | 2 fact | `{digest_of('2026-q1')[:12]}` |" in page
    assert "this version ← the base model\n\nUpdate u0001 at commit `cccccccccccc`, run `run`" in page
    assert "| measure | this version | champion | untrained base |\n|---|---|---|---|\n" in page
    assert "| accuracy on what these drops brought (2 questions) | 95 % | – | 95 % |" in page
    assert "| perplexity on general text | 30 | – | 30 |" in page
    assert "**1** answers changed for the better, **0** for the worse; **1** is out of date." in page


def test_changed_answers_are_shown_with_the_former_ones(tmp_path):
    page = description(page_of(finished_run(tmp_path)))
    assert "### Learned: 1\n- Newest Python 3.12? `3.12.1`; before `x`" in page
    assert "### Stale: 1\n- End of Debian 12? `2026`; before `x`, correct is `2028`" in page
    assert "### Lost: 0" in page


def test_the_picture_and_the_card_are_found_from_mlflows_own_pages(tmp_path):
    page = description(page_of(finished_run(tmp_path)))
    assert "](get-artifact?path=reports%2Fmatrix.png&run_uuid=run)" in page
    assert "](#/experiments/7/runs/run/artifacts/reports/card.html)" in page


def test_elsewhere_the_matrix_is_a_table_and_addresses_are_whole(tmp_path):
    page = page_of(finished_run(tmp_path)).model_copy(update={"version": "v3", "verdict": verdict(passed=True)})
    text = full_card(page, "http://mlflow:5000")
    assert text.startswith("# v3 of line\n\n## Verdict: pass\n\nEvery gate lets it into service.\n\n| gate |")
    assert "| accuracy on | first |\n|---|---|\n| this version | 50 % |" in text
    assert "](http://mlflow:5000/#/experiments/7/runs/run/artifacts/reports/card.html)" in text
    assert "v3 ← the base model" in text


def test_the_matrix_shows_its_figures_and_the_last_versions_and_drops(tmp_path):
    page = page_of(finished_run(tmp_path))
    page = page.model_copy(update={"retention": retention_of(ANCESTORS, NOW)})
    text = full_card(page, "http://h")
    assert "average accuracy 0.633, backward transfer -0.25, forward transfer 0.15, forgetting 0.25" in text
    assert "\n| this version | 80 % | 60 % | 50 % |\n" in text
    many = [row(str(number), f"q{number}", 1.0) for number in range(30)]
    text = full_card(page.model_copy(update={"retention": retention_of([], many)}), "http://h")
    assert "| accuracy on | q22 |" in text


def test_the_full_card_has_every_lost_answer_and_mlflows_description_what_fits(tmp_path):
    rows = [lost(f"Which of the {i} is it?") for i in range(90)]
    page = page_of(finished_run(tmp_path), *rows, drops=tuple(f"drop {i}" for i in range(50)))
    assert full_card(page, "http://h").count("- Which of the") == 90
    short = description(page)
    assert len(short) <= BODY
    listed = short.count("- Which of the")
    assert 3 <= listed < 90
    assert f"- and {90 - listed} more on [the card](#/experiments/7" in short
    assert re.search(r"\| and \d+ more \| \d+ \| \d+ \| \d+ \|", short)
    assert "### Where it comes from" in short


def test_a_page_that_no_choice_makes_fit_is_cut_at_a_line(tmp_path):
    page = page_of(finished_run(tmp_path), *(lost("why " * 60, "w" * 300) for _ in range(9)))
    long_names = tuple(drop.model_copy(update={"kinds": {"k" * 900: 1}}) for drop in page.drops * 5)
    text = description(page.model_copy(update={"drops": long_names}))
    assert len(text) <= BODY
    assert text.endswith("\n…")


@pytest.mark.parametrize("render", [description, lambda page: full_card(page, "http://h")])
def test_answers_cannot_break_the_page(tmp_path, render):
    rows = [answer(f"Is {i} | `x`\n## a heading? <script>", "yes", "y`es\n---\n", ["y`es ---"]) for i in range(9)]
    page = render(page_of(finished_run(tmp_path), *rows, drops=("a | b <b>",)))
    assert "### Stale: 9" in page
    assert "\n## a heading" not in page
    assert "\n---\n" not in page
    assert "<script>" not in page
    assert "| a &#124; b &#60;b&#62; | 3 |" in page
