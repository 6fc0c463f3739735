"""Review in MLflow's own pages: a person sets the tag `abreast.review` on a version; a second tag has the answer.

A tag is answered once: the answer repeats it, so that a tag with another value is another request.
"""

import re

from abreast.core.crash_points import crash_point
from abreast.core.errors import AbreastError, Unavailable
from abreast.ledger import Ledger
from abreast.lifecycle.review import review
from abreast.tracking.registry import Registry

_FORM = re.compile(r"\s*(?P<decision>approve|reject)(\s+by\s+(?P<name>[^:]+?))?\s*:\s*(?P<reason>.*\S)\s*", re.S | re.I)
RIGHT = "`approve: your reason`, `reject: your reason` or `approve by YOUR NAME: your reason`"
_QUOTED, _LIMIT = 1500, 5000  # characters; the second is what MLflow's databases hold in a tag
UNNAMED = "someone in MLflow"
"""MLflow does not record who set a tag."""


def review_by_tags(ledger: Ledger, registry: Registry) -> list[str]:
    """Review what was asked for by tags and not answered yet; a line each.

    What cannot be done yet, because an update or MLflow is at work, is left to the next time.
    """
    done = []
    for version, (asked, answered) in registry.asked_reviews().items():
        if answered.startswith(_head(asked)):
            continue
        try:
            answer = _answer(ledger, registry, version, asked)
            crash_point("review.taken")
            registry.answer_review(version, f"{_head(asked)}{answer}"[:_LIMIT])
            crash_point("review.answered")
        except Unavailable as error:
            answer = f"left to the next sweep: {error}"
        done.append(f"tag on v{version}: {answer}")
    return done


def _head(asked: str) -> str:
    return f'"{asked[:_QUOTED]}": '


def _answer(ledger: Ledger, registry: Registry, version: int, asked: str) -> str:
    """Do what a tag asks for, once, and say what came of it, or what would be right."""
    found = _FORM.fullmatch(asked)
    if found is None:
        return f"not understood; write {RIGHT}"
    decision, reason = found["decision"].lower(), " ".join(found["reason"].split())
    last = ledger.reviews.all(registry.name, version)[-1:]
    if last and (last[0].channel, last[0].decision, last[0].reason) == ("mlflow", decision, reason) and last[0].outcome:
        return last[0].detail
    try:
        done = review(
            ledger, registry, version, decision, reason=reason, reviewer=found["name"] or UNNAMED, channel="mlflow"
        )
    except Unavailable:
        raise
    except AbreastError as error:
        return str(error)
    return done.detail
