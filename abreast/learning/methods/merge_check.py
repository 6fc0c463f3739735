"""Shared by all merging methods: merged weights are kept only if the development set does not get worse."""

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from abreast.learning.methods.protocol import TrainingRun


def keep_if_as_good(run: TrainingRun, weights: Mapping[str, Tensor], score: Callable[[], Any]) -> None:
    """Put `weights` into the model, unless it then answers fewer development questions exactly than before."""
    before, exact = run.weights(), score().exact
    run.put(weights)
    if score().exact < exact:
        run.put(before)
