"""IA3: scales keys, values and the hidden activations of the feed-forward part, number by number.

Liu et al. 2022 (arXiv:2205.05638). Only three vectors a layer are trained; they need a higher learning rate.
"""

from typing import Any

from abreast.core.errors import AbreastError
from abreast.learning.adapters import protocol


class IA3:
    """One learned factor for each output of keys and values, and for each input of the last feed-forward matrix."""

    class Knobs(protocol.Knobs):
        pass

    activated = False

    def __init__(self, knobs: Knobs):
        self.knobs = knobs

    def peft_config(self, model: Any, layers: int) -> Any:
        from peft import IA3Config
        from peft.utils import constants

        from abreast.learning.adapters.target_modules import module_paths

        kind = model.config.model_type
        targets = constants.TRANSFORMERS_MODELS_TO_IA3_TARGET_MODULES_MAPPING.get(kind)
        if targets is None:
            raise AbreastError(
                f"train.peft.method is 'ia3', but PEFT does not define which parts of {kind!r} it scales"
            )
        narrow = constants.TRANSFORMERS_MODELS_TO_IA3_FEEDFORWARD_MODULES_MAPPING[kind]
        return IA3Config(
            target_modules=module_paths(model, layers, targets),
            feedforward_modules=module_paths(model, layers, narrow),
            task_type="CAUSAL_LM",
        )
