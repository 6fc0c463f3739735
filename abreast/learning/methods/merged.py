"""What all merging methods share: merged weights stay only where the development set does not speak against them."""

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from abreast.learning.methods.protocol import Run


def keep_if_as_good(run: Run, weights: Mapping[str, Tensor], score: Callable[[], Any]) -> None:
    """Put `weights` into the model, unless fewer development questions are then answered exactly than before."""
    before, mark = run.weights(), score().exact
    run.put(weights)
    if score().exact < mark:
        run.put(before)
