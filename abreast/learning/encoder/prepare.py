"""Prepares the training of an encoder: extends the parent's heads by new labels, on the encoder with its adapter."""

from pathlib import Path
from typing import Any

from torch.nn import Embedding

from abreast.core.settings import Params
from abreast.learning.encoder.encoder_backbone import EncoderBackbone, masked_lm_head
from abreast.learning.encoder.head import LabelHead, extend_rows
from abreast.learning.encoder.label_set import ExampleOrQuestion, extend_labels
from abreast.learning.encoder.label_tokenizer import LabelTokenizer
from abreast.learning.encoder.limits import check_examples
from abreast.learning.encoder.saved_heads import Heads, read_heads

DEFAULT_MAX_TOKENS = 512
"""For an encoder whose configuration does not say how many tokens it can read."""


def prepare_encoder(
    peft_model: Any, tokenizer: Any, params: Params, examples: list[ExampleOrQuestion], parent: Path | None
) -> tuple[EncoderBackbone, LabelTokenizer]:
    """The backbone and the tokenizer for a training of `peft_model`.

    Args:
        examples: all examples and all development questions of the training.

    Raises:
        AbreastError: an encoder cannot learn one of the examples, or the parent's heads cannot be read.
    """
    model, masked_lm = peft_model.get_base_model(), masked_lm_head(peft_model.get_base_model())
    check_examples(params.model.base, examples, masked_lm is not None)
    before = read_heads(parent) if parent else Heads()
    labels = extend_labels(before.labels, examples)
    rows = extend_rows(labels.rows(), model.config.hidden_size, before.rows, model.device)
    head = LabelHead(rows, before.labels.rows(), masked_lm)
    bfloat16 = params.train.precision == "bfloat16"
    backbone = EncoderBackbone(model, params.train.top_layers, head, peft_model.disable_adapter, bfloat16)
    return backbone, LabelTokenizer(tokenizer, labels, max_tokens(model, tokenizer))


def max_tokens(model: Any, tokenizer: Any) -> int:
    """How many tokens an encoder can read; RoBERTa and its like start to count positions after that of the padding."""
    most = getattr(model.config, "max_position_embeddings", None) or DEFAULT_MAX_TOKENS
    for name, module in model.named_modules():
        if name.endswith("position_embeddings") and isinstance(module, Embedding) and module.padding_idx is not None:
            most = module.num_embeddings - module.padding_idx - 1
    return min(most, tokenizer.model_max_length)
