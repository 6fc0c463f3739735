"""How well spans of tokens were found."""

from collections.abc import Sequence

from abreast.core.errors import AbreastError
from abreast.dataset.spans import spans_of
from abreast.metrics.answers import require_pairs


def span_f1(expected: Sequence[Sequence[str]], given: Sequence[Sequence[str]]) -> float | None:
    """2 TP / (spans expected + spans given) over all sentences, from 0 to 1: the F1 of conlleval and seqeval (micro).

    A span is right only with its exact bounds and type. None where no span was expected and none was given.

    Args:
        expected: tags, by sentence and token, as `spans_of` takes them.
        given: as many sentences, each as long.

    Raises:
        AbreastError: sentences or tokens do not pair, or a tag is none.
    """
    require_pairs(expected, given)
    right = spans = 0
    for number, (wanted, tags) in enumerate(zip(expected, given, strict=True), start=1):
        if len(wanted) != len(tags):
            raise AbreastError(
                f"sentence {number}: {len(tags)} tags for {len(wanted)} tokens; there must be one to each"
            )
        here, there = set(spans_of(wanted)), set(spans_of(tags))
        right += len(here & there)
        spans += len(here) + len(there)
    return 2 * right / spans if spans else None
