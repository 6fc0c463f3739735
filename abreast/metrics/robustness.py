"""How much worse a model answers when people mistype."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from abreast.core.errors import AbreastError
from abreast.dataset.typos import typed_badly


class Robustness(NamedTuple):
    """One score on the same questions, well typed and badly typed, in that score's unit."""

    clean: float | None
    noisy: float | None

    @property
    def drop(self) -> float | None:
        """clean - noisy: what the errors cost; None where either is."""
        return None if self.clean is None or self.noisy is None else self.clean - self.noisy


def robustness(texts: Sequence[str], score: Callable[[list[str]], float | None], rate: float, seed: int) -> Robustness:
    """Score the texts as they are and with the errors of `noise.typed_badly` at `rate` and `seed`.

    Args:
        seed: 0 or more; those below are trained on (`train.regularizers: noise`).
        score: takes the texts, in their order, and gives the model's score on them, higher being better.

    Raises:
        AbreastError: the rate is not within 0 to 1, or the seed is below 0.
    """
    if seed < 0:
        raise AbreastError(f"noise seed {seed}: must be 0 or more; models are trained on errors of those below")
    noisy = [typed_badly(text, rate, seed) for text in texts]
    return Robustness(score(list(texts)), score(noisy))
