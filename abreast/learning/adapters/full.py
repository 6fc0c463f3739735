"""Full: all weights of the uppermost layers learn; those below, the embeddings and the head stay frozen.

Only the uppermost layers learn: Howard and Ruder 2018 (arXiv:1801.06146), Lee et al. 2019 (arXiv:1911.03090). PEFT's
`modules_to_save` keeps a trained copy of each layer beside the base's own, so the base is there with the adapter off,
and the model folder holds the copies alone. PEFT wants some adapter with them: LoRA, told of no layer at all.
"""

from typing import Any

from abreast.learning.adapters import protocol


class Full:
    """A trained copy of each of the uppermost layers."""

    class Knobs(protocol.Knobs):
        pass

    sleeps = False

    def __init__(self, knobs: Knobs):
        self.knobs = knobs

    def settings(self, model: Any, layers: int) -> Any:
        from peft import LoraConfig
        from peft.utils.constants import DUMMY_TARGET_MODULES

        from abreast.learning.adapters.modules import upper_layers

        kept = list(upper_layers(model, layers))
        return LoraConfig(target_modules=DUMMY_TARGET_MODULES, modules_to_save=kept, task_type="CAUSAL_LM")
