"""Early stopping that knows both sides: what is gained, what is lost, and how far the model has gone from its parent.

Stopping at the end of gain is Prechelt's (1998, "Early stopping - but when?"); the two others end a training that can
no longer become a version: what was known does not come back, or the parent's answers are no longer the model's.
"""

from abreast.core.settings import Train
from abreast.learning.trainer.checkpoint import Progress
from abreast.learning.trainer.dev_evaluator import Check

ENOUGH = 0.005
"""A mean loss of a token on the development set below which nothing is left to gain."""


def note(progress: Progress, check: Check, parent: float | None, train: Train) -> bool:
    """Count checks without gain and checks that leave what was known lost; gives whether this one is the best so far.

    Args:
        parent: the share of what was known before that the parent answers, if there is a parent.
    """
    best = [check.both.exact, -check.both.loss]
    better = progress.best is None or best > progress.best
    surer = all(check.both.loss < row["dev_loss"] for row in progress.curve)
    progress.checks_without_gain = 0 if better or surer else progress.checks_without_gain + 1
    lost = check.old is not None and parent is not None and check.old < parent - train.max_forgetting
    falls = lost and bool(progress.curve) and check.old <= progress.curve[-1]["dev_old_exact"]
    progress.checks_lost = progress.checks_lost + 1 if falls else 0
    if better:
        progress.best = best
    return better


def reason_to_stop(progress: Progress, check: Check, train: Train) -> str | None:
    """Why training ends after this check; None if it goes on."""
    if progress.tokens >= train.max_tokens:
        return f"train.max_tokens reached ({train.max_tokens})"
    if check.new is None and check.old is None:
        return _at_the_end(progress, train)
    if progress.best[0] == 1.0 and -progress.best[1] < ENOUGH:
        return "every development question is answered with confidence"
    if progress.checks_lost >= train.patience:
        return (
            f"what was known is lost: {check.old:.0%} of it answered, and in {train.patience} checks it did not come "
            f"back to within train.max_forgetting ({train.max_forgetting:g}) of the parent"
        )
    if train.max_kl is not None and check.kl is not None and check.kl > train.max_kl:
        return f"{check.kl:.3g} nats a token away from the parent's answers (train.max_kl {train.max_kl:g})"
    if progress.checks_without_gain >= train.patience:
        return f"no gain on the development set in {train.patience} checks"
    return _at_the_end(progress, train)


def _at_the_end(progress: Progress, train: Train) -> str | None:
    return f"train.epochs reached ({train.epochs})" if progress.epoch + 1 >= train.epochs else None
