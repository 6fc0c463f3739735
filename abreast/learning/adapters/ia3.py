"""IA3: keys, values and what the feed-forward part makes are scaled, number by number.

Liu et al. 2022 (arXiv:2205.05638). Three vectors a layer are all that learns; they want a higher learning rate.
"""

from typing import Any

from abreast.core.errors import AbreastError
from abreast.learning.adapters import protocol


class IA3:
    """One learned factor for each output of keys and values, and for each input of the last feed-forward matrix."""

    class Knobs(protocol.Knobs):
        pass

    sleeps = False

    def __init__(self, knobs: Knobs):
        self.knobs = knobs

    def settings(self, model: Any, layers: int) -> Any:
        from peft import IA3Config
        from peft.utils import constants

        from abreast.learning.adapters.modules import inside

        kind = model.config.model_type
        targets = constants.TRANSFORMERS_MODELS_TO_IA3_TARGET_MODULES_MAPPING.get(kind)
        if targets is None:
            raise AbreastError(f"train.peft.method is 'ia3', but PEFT does not know which parts of {kind!r} it scales")
        narrow = constants.TRANSFORMERS_MODELS_TO_IA3_FEEDFORWARD_MODULES_MAPPING[kind]
        return IA3Config(
            target_modules=inside(model, layers, targets),
            feedforward_modules=inside(model, layers, narrow),
            task_type="CAUSAL_LM",
        )
