"""Whatever a user gave, in Markdown that shows it as it is and nothing else.

References to characters are used, not backslashes: both CommonMark and Showdown, which MLflow's pages use, leave them
as text, also where a mark would begin a heading, a list, a link, an e-mail address or a mention.
"""

import re

from abreast.reports.verdict import short

LONGEST = 200
"""So many characters of a question, an answer or a name are shown."""
_MARKS = re.compile(
    r"""[\\`*\[\]<>|~@]            # what means something anywhere
    |(?<![^\W_])_|_(?![^\W_])      # an underline, but not between two letters
    |&(?=\#?\w+;)                  # what would be read as a reference
    |(?<=^)[#+=-]                  # what begins a heading, a list or a rule
    |(?<=^\d)[.)]|(?<=^\d\d)[.)]   # or a numbered list
    |:(?=[\w+-]+:|//)              # a picture by name, such as :smile:, and an address
    |(?<=\bwww)\.""",
    re.VERBOSE,
)


def plain(text: str) -> str:
    """Text on one line, cut at `LONGEST`, in which nothing is markup."""
    return _MARKS.sub(lambda mark: f"&#{ord(mark.group())};", _line(text))


def code(text: str) -> str:
    """Text on one line, cut at `LONGEST`, as a code span; not for tables, whose bars it does not hide."""
    line = _line(text) or " "
    longest = max((len(run) for run in re.findall("`+", line)), default=0)
    if not longest:
        return f"`{line}`"
    fence = "`" * (longest + 1)
    return f"{fence} {line} {fence}"


def number(value: float | None) -> str:
    """A figure as reasons have it, a dash where there is none."""
    return "–" if value is None else short(value)


def percent(share: float | None) -> str:
    """A share as people read it: `97.5 %`, a dash where there is none."""
    return "–" if share is None else f"{round(100 * share, 1):g} %"


def _line(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else f"{line[: LONGEST - 1]}…"
