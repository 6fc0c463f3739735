"""How well texts were predicted."""

import math
from collections.abc import Sequence

from abreast.core.errors import AbreastError
from abreast.metrics.answers import require_pairs


def perplexity(means: Sequence[float], tokens: Sequence[int]) -> float | None:
    """exp of the mean negative log-likelihood of a token over all texts, at least 1; None where there is no token.

    Each text counts by its tokens: exp(-sum(mean * tokens) / sum(tokens)). Infinite where that is too large for a
    float. Figures are comparable only between models with one tokenizer.
    Source: Jelinek et al. 1977, "Perplexity: a measure of the difficulty of speech recognition tasks".

    Args:
        means: the mean natural log-likelihood of a token, for each text; at most 0.
        tokens: how many tokens of each text were predicted; a text of none does not count.

    Raises:
        AbreastError: not one number of tokens to each text, or a log-likelihood above 0.
    """
    require_pairs(means, tokens)
    counted = [(mean, count) for mean, count in zip(means, tokens, strict=True) if count]
    if any(mean > 0 for mean, _ in counted):
        raise AbreastError(f"log-likelihood {max(mean for mean, _ in counted):.6g}: must be at most 0")
    if not counted:
        return None
    loss = -math.fsum(mean * count for mean, count in counted) / sum(count for _, count in counted)
    try:
        return math.exp(loss)
    except OverflowError:
        return math.inf
