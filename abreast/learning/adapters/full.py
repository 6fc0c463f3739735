"""Full: trains all weights of the top layers; the lower layers, the embeddings and the head stay frozen.

Training only the top layers: Howard and Ruder 2018 (arXiv:1801.06146), Lee et al. 2019 (arXiv:1911.03090). PEFT's
`modules_to_save` keeps a trained copy of each layer beside the base's own, so disabling the adapter gives the base, and
the model folder holds the copies alone. PEFT requires some adapter with them: a LoRA without target layers.
"""

from typing import Any

from abreast.learning.adapters import protocol


class Full:
    """A trained copy of each top layer."""

    class Knobs(protocol.Knobs):
        pass

    activated = False

    def __init__(self, knobs: Knobs):
        self.knobs = knobs

    def peft_config(self, model: Any, layers: int) -> Any:
        from peft import LoraConfig
        from peft.utils.constants import DUMMY_TARGET_MODULES

        from abreast.learning.adapters.target_modules import top_layer_modules

        kept = list(top_layer_modules(model, layers))
        return LoraConfig(target_modules=DUMMY_TARGET_MODULES, modules_to_save=kept, task_type="CAUSAL_LM")
