"""The comparison itself: is it drift, how large, and what is new."""

import re
from collections import Counter

from pydantic import BaseModel, ConfigDict

from abreast.core.settings import Drift as Knobs
from abreast.evaluation.drift.groups import Shift, shift
from abreast.evaluation.drift.sample import Sample
from abreast.evaluation.drift.two_sample import embed, mmd_test, told_apart

LEAST = 10
"""Fewer texts on either side are not compared."""
_WORD = re.compile(r"[^\W_]+")
_TOLD = 10


class Drift(BaseModel):
    """What was found; `size` is the area under the ROC curve, 0.5 where nothing tells the samples apart.

    `p` and `size` are None where too few texts were there. `new_words` is the share of words that what was known does
    not have (`known_words` words in all were known), `newest` the most frequent of these. `shown` says whether drift
    was shown: the p-value is below `drift.level` and the size is at least `drift.size`.
    """

    model_config = ConfigDict(frozen=True)

    what: str
    before: int
    now: int
    p: float | None
    size: float | None
    shifts: tuple[Shift, ...]
    new_words: float | None
    known_words: int
    newest: tuple[str, ...]
    shown: bool


def compare(what: str, before: Sample, now: Sample, knobs: Knobs) -> Drift:
    """Compare what comes in with what was known; `what` is how the report calls it."""
    p = size = None
    if min(len(before.texts), len(now.texts)) >= LEAST:
        rows = embed([*before.texts, *now.texts])
        _, p = mmd_test(rows, len(before.texts), knobs.seed)
        size = told_apart(rows, len(before.texts), knobs.seed)
    found = (shift(by, before.groups[by], held, knobs.seed) for by, held in now.groups.items() if before.groups.get(by))
    known, came = _words(before), _words(now)
    new = Counter({word: count for word, count in came.items() if word not in known})
    return Drift(
        what=what,
        before=len(before.texts),
        now=len(now.texts),
        p=p,
        size=size,
        shifts=tuple(one for one in found if one is not None),
        new_words=new.total() / came.total() if came else None,
        known_words=len(known),
        newest=tuple(word for word, _ in sorted(new.items(), key=lambda item: (-item[1], item[0]))[:_TOLD]),
        shown=p is not None and p <= knobs.level and size >= knobs.size,
    )


def report(drift: Drift) -> str:
    """The findings as Markdown without markup, for people."""
    lines = [f"{drift.what}: {drift.now} texts beside {drift.before} that the champion knows"]
    if drift.p is None:
        lines.append(f"too few to compare: that takes {LEAST} on either side")
    else:
        said = "drift is shown" if drift.shown else "no drift is shown"
        lines.append(f"{said}: told apart {drift.size:.2f} (0.5 is by chance, 1 always), p {drift.p:.2g}")
    for one in drift.shifts:
        moved = ", ".join(f"{name} {100 * was:.0f} to {100 * now:.0f} %" for name, was, now in one.moved)
        lines.append(f"{one.by}: p {one.p:.2g}, Cramér's V {one.size:.2f}: {moved}")
    if drift.new_words is not None:
        newest = f": {', '.join(drift.newest)}" if drift.newest else ""
        lines.append(f"words that are new: {100 * drift.new_words:.1f} %{newest}")
    return "\n".join(lines)


def _words(sample: Sample) -> Counter[str]:
    return Counter(word for text in sample.texts for word in _WORD.findall(text.casefold()))
