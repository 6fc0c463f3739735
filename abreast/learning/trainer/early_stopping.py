"""Early stopping by three criteria: no gain, lost knowledge, or too far from the parent.

Stopping without gain is Prechelt's (1998, "Early stopping - but when?"). The other two end a training that can no
longer become a version: old knowledge does not come back, or the answers differ too much from the parent's.
"""

from abreast.core.settings import Train
from abreast.learning.trainer.checkpoint import Progress
from abreast.learning.trainer.dev_evaluator import DevMetrics

PERFECT_LOSS = 0.005
"""A mean loss of a token on the development set below which nothing more can be gained."""


def update_progress(progress: Progress, metrics: DevMetrics, parent_exact: float | None, train: Train) -> bool:
    """Count evaluations without gain and evaluations with lost knowledge.

    Args:
        parent_exact: the share of old questions that the parent answers, if there is a parent.

    Returns:
        Whether this evaluation is the best so far.
    """
    best = [metrics.both.exact, -metrics.both.loss]
    is_best = progress.best is None or best > progress.best
    is_lowest_loss = all(metrics.both.loss < row["dev_loss"] for row in progress.curve)
    progress.checks_without_gain = 0 if is_best or is_lowest_loss else progress.checks_without_gain + 1
    lost = metrics.old is not None and parent_exact is not None and metrics.old < parent_exact - train.max_forgetting
    falls = lost and bool(progress.curve) and metrics.old <= progress.curve[-1]["dev_old_exact"]
    progress.checks_lost = progress.checks_lost + 1 if falls else 0
    if is_best:
        progress.best = best
    return is_best


def reason_to_stop(progress: Progress, metrics: DevMetrics, train: Train) -> str | None:
    """Why training ends after this evaluation; None if it continues."""
    if progress.tokens >= train.max_tokens:
        return f"train.max_tokens reached ({train.max_tokens})"
    if metrics.new is None and metrics.old is None:
        return _epochs_reached(progress, train)
    if progress.best[0] == 1.0 and -progress.best[1] < PERFECT_LOSS:
        return "every development question is answered with confidence"
    if progress.checks_lost >= train.patience:
        return (
            f"old knowledge is lost: {metrics.old:.0%} of it is answered, and in {train.patience} checks it did not "
            f"come back to within train.max_forgetting ({train.max_forgetting:g}) of the parent"
        )
    if train.max_kl is not None and metrics.kl is not None and metrics.kl > train.max_kl:
        return f"{metrics.kl:.3g} nats a token away from the parent's answers (train.max_kl {train.max_kl:g})"
    if progress.checks_without_gain >= train.patience:
        return f"no gain on the development set in {train.patience} checks"
    return _epochs_reached(progress, train)


def _epochs_reached(progress: Progress, train: Train) -> str | None:
    return f"train.epochs reached ({train.epochs})" if progress.epoch + 1 >= train.epochs else None
