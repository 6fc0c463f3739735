import html
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from abreast.tracking.card.escape import LONGEST, code_span, escape_text, number_text, percent_text

MARKDOWN = MarkdownIt("commonmark").enable(["table", "strikethrough"])
HOSTILE = [
    "<script>alert(1)</script>",
    "a | b | c",
    "**bold** _under_ `code` ~~gone~~",
    "![x](http://evil.example/pixel.png) [y](javascript:alert(1))",
    "# a heading\n\n---\n\n- a list",
    "1. one",
    "&lt;b&gt; &amp; R&D",
    "mail me@example.com, see https://example.com or www.example.com",
    "\\| \\` \\\\",
    ":smile: snake_case __init__",
    "``` fence",
    "- x",
    "=====",
]


def shown(markdown: str) -> str:
    """What a reader sees of one list item that has this text."""
    rendered = MARKDOWN.render(f"- {markdown}\n")
    found = re.fullmatch(r"<ul>\n<li>(.*)</li>\n</ul>\n", rendered, re.DOTALL)
    assert found, rendered
    return found.group(1)


def one_line(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("text", HOSTILE)
def test_user_text_is_shown_verbatim(text):
    assert html.unescape(shown(escape_text(text))) == one_line(text)
    assert shown(code_span(text)) == f"<code>{html.escape(one_line(text))}</code>"


@pytest.mark.parametrize("text", HOSTILE)
def test_in_a_table_it_stays_in_its_cell(text):
    rendered = MARKDOWN.render(f"| a | b |\n|---|---|\n| {escape_text(text)} | end |\n")
    assert re.findall(r"<td>(.*?)</td>", rendered)[1:] == ["end"]
    assert html.unescape(re.findall(r"<td>(.*?)</td>", rendered)[0]) == one_line(text)


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=40))
def test_no_text_is_markup(text):
    line = one_line(text)
    assert "<" not in shown(f"x{escape_text(text)}").replace("</", "<") or not line
    assert html.unescape(shown(f"x {escape_text(text)}")).strip() == html.unescape(f"x {html.escape(line)}").strip()


def test_long_texts_are_cut_and_nothing_is_shown_as_a_space():
    assert escape_text("x" * 300) == "x" * (LONGEST - 1) + "…"
    assert code_span("") == "` `"
    assert code_span("a`b") == "`` a`b ``"


def test_figures_are_short():
    assert (number_text(None), number_text(0.12345), number_text(1.0)) == ("–", "0.123", "1")
    assert (percent_text(None), percent_text(0.98765), percent_text(1.0)) == ("–", "98.8 %", "100 %")
