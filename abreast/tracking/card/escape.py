"""Escape user text in Markdown, so that it is shown verbatim.

Character references are used instead of backslashes: both CommonMark and Showdown, which MLflow uses, leave them as
text, even where a mark would begin a heading, a list, a link, an e-mail address or a mention.
"""

import re

from abreast.reports.verdict import short

LONGEST = 200
"""The characters of a question, an answer or a name that are shown."""
_MARKS = re.compile(
    r"""[\\`*\[\]<>|~@]            # marks with a meaning anywhere
    |(?<![^\W_])_|_(?![^\W_])      # an underscore, but not between two letters
    |&(?=\#?\w+;)                  # the start of a character reference
    |(?<=^)[#+=-]                  # the start of a heading, a list or a rule
    |(?<=^\d)[.)]|(?<=^\d\d)[.)]   # or of a numbered list
    |:(?=[\w+-]+:|//)              # a picture by name, such as :smile:, and an address
    |(?<=\bwww)\.""",
    re.VERBOSE,
)


def escape_text(text: str) -> str:
    """Text on one line, cut at `LONGEST`, in which nothing is markup."""
    return _MARKS.sub(lambda mark: f"&#{ord(mark.group())};", _line(text))


def code_span(text: str) -> str:
    """Text on one line, cut at `LONGEST`, as a code span; not for tables, whose bars it does not hide."""
    line = _line(text) or " "
    longest = max((len(run) for run in re.findall("`+", line)), default=0)
    if not longest:
        return f"`{line}`"
    fence = "`" * (longest + 1)
    return f"{fence} {line} {fence}"


def number_text(value: float | None) -> str:
    """A figure in three digits, a dash for None."""
    return "–" if value is None else short(value)


def percent_text(share: float | None) -> str:
    """A share as `97.5 %`, a dash for None."""
    return "–" if share is None else f"{round(100 * share, 1):g} %"


def _line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
