"""How well one label for each text was chosen."""

from collections.abc import Sequence

from abreast.metrics.answers import require_pairs, share


def accuracy(expected: Sequence[str], given: Sequence[str]) -> float | None:
    """The share of right labels, from 0 to 1, compared as they are; None where nothing was asked.

    Raises:
        AbreastError: not one label to each text.
    """
    require_pairs(expected, given)
    return share([wanted == label for wanted, label in zip(expected, given, strict=True)])


def macro_f1(expected: Sequence[str], given: Sequence[str], labels: Sequence[str] | None = None) -> float | None:
    """The plain mean of the F1 of every label that was expected or given, from 0 to 1; None where nothing was asked.

    The F1 of a label is 2 TP / (2 TP + FP + FN) (van Rijsbergen 1979, "Information Retrieval", chapter 7); the mean is
    over labels (Yang 1999, "An evaluation of statistical approaches to text categorization"), so that a rare label
    counts as much as a frequent one. A label that only occurs among the given ones counts as zero. Labels of earlier
    drops that were neither asked for nor given do not count.

    Args:
        labels: the mean is over these only. What a model that writes gives may be no label at all: it is wrong, but it
            is no label to take a mean over.

    Raises:
        AbreastError: not one label to each text.
    """
    from sklearn.metrics import f1_score

    require_pairs(expected, given)
    if not expected:
        return None
    return float(f1_score(list(expected), list(given), labels=labels, average="macro", zero_division=0.0))
