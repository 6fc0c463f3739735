"""Tells a causal language model from an encoder by its transformers configuration."""

from typing import Any


def is_encoder(config: Any) -> bool:
    """Whether a checkpoint is an encoder, such as BERT, RoBERTa, MPNet or MiniLM, and so needs heads.

    It is an encoder if its model type has a masked language model in transformers, and its configuration is not that
    of a causal language model, a decoder, or an encoder-decoder.
    """
    from transformers.models.auto.modeling_auto import (
        MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
        MODEL_FOR_MASKED_LM_MAPPING_NAMES,
    )

    if config.is_encoder_decoder or getattr(config, "is_decoder", False):
        return False
    causal = MODEL_FOR_CAUSAL_LM_MAPPING_NAMES.get(config.model_type)
    return config.model_type in MODEL_FOR_MASKED_LM_MAPPING_NAMES and causal not in (config.architectures or ())
