"""General text that holds the model to its base while it learns; another text than the one it is measured on."""

from pathlib import Path
from typing import Any

import torch

from abreast.learning.lower import Trunk
from abreast.learning.prompt import Encoder
from abreast.learning.trainer import Anchor

TEXT = Path(__file__).with_name("anchor.txt")
LENGTH = 12
"""Tokens of one piece: as short as an answer, for each step of the training pays for one."""


@torch.no_grad()
def make_anchors(trunk: Trunk, encoder: Encoder, tokenizer: Any) -> list[Anchor]:
    """Cut the text into pieces of equal length; `trunk` runs the base, before any adapter is added."""
    ids = tuple(tokenizer(TEXT.read_text(encoding="utf-8")).input_ids)
    starts = range(0, len(ids) - LENGTH + 1, LENGTH)
    pieces = [encoder.as_answer(ids[start : start + LENGTH]) for start in starts]
    return [Anchor(piece, trunk.completions([piece])[0].clone()) for piece in pieces]
