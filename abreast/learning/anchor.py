"""General text that holds the model to its base while it learns; another text than the one it is measured on."""

from pathlib import Path
from typing import Any

import torch

from abreast.learning.lower import Trunk
from abreast.learning.trainer import Anchor

TEXT = Path(__file__).with_name("anchor.txt")
LENGTH = 40
"""Tokens of one piece: short, for each step of the training pays for one."""


@torch.no_grad()
def make_anchors(trunk: Trunk, tokenizer: Any) -> list[Anchor]:
    """Cut the text into pieces of equal length; call it while no adapter is active."""
    ids = tuple(tokenizer(TEXT.read_text(encoding="utf-8")).input_ids)
    pieces = [ids[start : start + LENGTH] for start in range(0, len(ids) - LENGTH + 1, LENGTH)]
    return [Anchor(piece, trunk.hidden([piece])[0].clone()) for piece in pieces]
