"""The beginning of an encoder's training: the parent's heads grown by what is new, on the encoder with its adapter."""

from pathlib import Path
from typing import Any

from torch.nn import Embedding

from abreast.core.settings import Params
from abreast.learning.encoder.encoder_backbone import EncoderTrunk, masked_words
from abreast.learning.encoder.folder import Heads, read_heads
from abreast.learning.encoder.head import LabelHead, rows_for
from abreast.learning.encoder.label_tokenizer import Marker
from abreast.learning.encoder.labels import Lesson, grown
from abreast.learning.encoder.limits import check_lessons

LONGEST = 512
"""Tokens read by an encoder that does not say how many it can."""


def begin(
    adapted: Any, tokenizer: Any, params: Params, lessons: list[Lesson], parent: Path | None
) -> tuple[EncoderTrunk, Marker]:
    """What runs and what marks the texts of a training of `adapted`.

    Args:
        lessons: all that is taught, and what is asked while training.

    Raises:
        AbreastError: something of it an encoder cannot learn, or the parent's heads cannot be read.
    """
    model, words = adapted.get_base_model(), masked_words(adapted.get_base_model())
    check_lessons(params.model.base, lessons, words is not None)
    before = read_heads(parent) if parent else Heads()
    labels = grown(before.labels, lessons)
    rows = rows_for(labels.rows(), model.config.hidden_size, before.rows, model.device)
    head = LabelHead(rows, before.labels.rows(), words)
    half = params.train.precision == "bfloat16"
    trunk = EncoderTrunk(model, params.train.top_layers, head, adapted.disable_adapter, half)
    return trunk, Marker(tokenizer, labels, longest(model, tokenizer))


def longest(model: Any, tokenizer: Any) -> int:
    """How many tokens an encoder can read; RoBERTa and its like count positions from behind the padding's."""
    most = getattr(model.config, "max_position_embeddings", None) or LONGEST
    for name, module in model.named_modules():
        if name.endswith("position_embeddings") and isinstance(module, Embedding) and module.padding_idx is not None:
            most = module.num_embeddings - module.padding_idx - 1
    return min(most, tokenizer.model_max_length)
