"""Compare two samples of texts: is there drift, how large is it, and which words are new?"""

import re
from collections import Counter

from pydantic import BaseModel, ConfigDict

from abreast.core.settings import Drift as Knobs
from abreast.evaluation.drift.groups import GroupShift, group_shift
from abreast.evaluation.drift.sample import TextSample
from abreast.evaluation.drift.two_sample import classifier_auc, mmd_test, tfidf_rows

MIN_TEXTS = 10
"""Samples with fewer texts are not compared."""
_WORD = re.compile(r"[^\W_]+")
_SHOWN_WORDS = 10


class DriftResult(BaseModel):
    """The result of one comparison; `size` is the area under the ROC curve of a classifier, 0.5 is chance.

    `p` and `size` are None with too few texts. `new_words` is the share of words that the known sample lacks
    (`known_words` is its number of different words), `newest` the most frequent of these. `shown` tells whether drift
    is shown: the p-value is below `drift.p_value` and the size is at least `drift.min_auc`.
    """

    model_config = ConfigDict(frozen=True)

    what: str
    before: int
    now: int
    p: float | None
    size: float | None
    shifts: tuple[GroupShift, ...]
    new_words: float | None
    known_words: int
    newest: tuple[str, ...]
    shown: bool


def compare_samples(what: str, before: TextSample, now: TextSample, knobs: Knobs) -> DriftResult:
    """Compare new texts (`now`) with known ones (`before`); `what` names the comparison in the report."""
    p = size = None
    if min(len(before.texts), len(now.texts)) >= MIN_TEXTS:
        rows = tfidf_rows([*before.texts, *now.texts])
        _, p = mmd_test(rows, len(before.texts), knobs.seed)
        size = classifier_auc(rows, len(before.texts), knobs.seed)
    found = (
        group_shift(by, before.groups[by], held, knobs.seed) for by, held in now.groups.items() if before.groups.get(by)
    )
    known, came = _words(before), _words(now)
    new = Counter({word: count for word, count in came.items() if word not in known})
    return DriftResult(
        what=what,
        before=len(before.texts),
        now=len(now.texts),
        p=p,
        size=size,
        shifts=tuple(one for one in found if one is not None),
        new_words=new.total() / came.total() if came else None,
        known_words=len(known),
        newest=tuple(word for word, _ in sorted(new.items(), key=lambda item: (-item[1], item[0]))[:_SHOWN_WORDS]),
        shown=p is not None and p <= knobs.p_value and size >= knobs.min_auc,
    )


def drift_report(drift: DriftResult) -> str:
    """The result in plain text, for people."""
    lines = [f"{drift.what}: {drift.now} texts compared with {drift.before} that the champion knows"]
    if drift.p is None:
        lines.append(f"too few to compare: both sides need {MIN_TEXTS}")
    else:
        conclusion = "drift is shown" if drift.shown else "no drift is shown"
        lines.append(f"{conclusion}: AUC {drift.size:.2f} (0.5 is chance, 1 is certain), p {drift.p:.2g}")
    for one in drift.shifts:
        moved = ", ".join(f"{name} {100 * was:.0f} to {100 * now:.0f} %" for name, was, now in one.moved)
        lines.append(f"{one.by}: p {one.p:.2g}, Cramér's V {one.size:.2f}: {moved}")
    if drift.new_words is not None:
        newest = f": {', '.join(drift.newest)}" if drift.newest else ""
        lines.append(f"new words: {100 * drift.new_words:.1f} %{newest}")
    return "\n".join(lines)


def _words(sample: TextSample) -> Counter[str]:
    return Counter(word for text in sample.texts for word in _WORD.findall(text.casefold()))
