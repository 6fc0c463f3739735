import re
from html.parser import HTMLParser

from abreast.tracking.card.html import render_html
from tests.lifecycle.ledgers import answer, finished_run, verdict
from tests.tracking.card.pages import page_of
from tests.tracking.card.test_markdown import lost

VOID = {"meta", "img"}


class Balanced(HTMLParser):
    """Fails at an end tag that ends nothing; keeps text and tags."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open, self.tags, self.text = [], [], ""
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def card(folder, *answers, judged=True, **of):
    page = page_of(finished_run(folder), *answers, **of)
    known = {"version": "v3", "verdict": verdict(passed=False)} if judged else {}
    return render_html(page.model_copy(update=known), b"\x89PNG")


def test_the_card_has_verdict_gates_arrivals_answers_picture_and_lineage(tmp_path):
    page = Balanced(card(tmp_path))
    said = " ".join(page.text.split())
    assert "v3 of line fail" in said
    assert "It stays out of service, because of current_exact_match." in said
    assert "current_exact_match not passed 0.5 at least 0.9 – 0.45 to 0.54 60".replace(" ", "") in said.replace(" ", "")
    assert "2026-q1" in said
    assert "End of Debian 12? x → 2026, correct is 2028" in said
    assert "built uponthe base model" in said
    (picture,) = [attrs["src"] for tag, attrs in page.tags if tag == "img"]
    assert picture == "data:image/png;base64,iVBORw=="


def test_it_needs_nothing_from_outside_and_runs_nothing(tmp_path):
    text = card(tmp_path)
    tags = {tag for tag, _ in Balanced(text).tags}
    assert not tags & {"script", "link", "iframe", "object"}
    assert not re.findall(r"https?://|@import|url\(", text)


def test_user_text_is_escaped(tmp_path):
    hostile = '<script>alert(1)</script>"><img src=x onerror=alert(2)>{{ 7 * 7 }}'
    text = card(tmp_path, answer(hostile, hostile, hostile), lost(hostile, hostile), drops=(hostile,))
    page = Balanced(text)
    assert "script" not in {tag for tag, _ in page.tags}
    assert page.text.count("{{ 7 * 7 }}") >= 4
    assert sum(tag == "img" for tag, _ in page.tags) == 1


def test_many_answers_for_the_worse_are_all_there_and_fold(tmp_path):
    page = Balanced(card(tmp_path, *(lost(f"Which {i}?") for i in range(40))))
    assert page.text.count("Which ") == 40
    assert "30 more" in page.text


def test_before_the_verdict_there_is_none(tmp_path):
    page = Balanced(card(tmp_path, judged=False))
    assert "u0001 of line" in page.text
    assert "Gates" not in page.text
