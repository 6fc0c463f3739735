"""The optimizer and its learning rate: `train.optimizer` and `train.lr_scheduler_type`."""

import math
from collections.abc import Iterable

import torch

from abreast.core.settings import Train

BETAS = (0.9, 0.98)
"""A training has a few hundred steps: with the usual 0.999 the last steps would still depend on the first ones."""
MOMENTUM = 0.9


def make_optimizer(parameters: Iterable[torch.nn.Parameter], train: Train, lr: float) -> torch.optim.Optimizer:
    """AdamW (Loshchilov and Hutter 2019, arXiv:1711.05101), SGD with momentum, or Adafactor (Shazeer and Stern 2018,
    arXiv:1804.04235). Adafactor's steps are absolute, not relative to the weights, since LoRA's B starts at zero.
    """
    shared = {"lr": lr, "weight_decay": train.weight_decay}
    if train.optimizer == "sgd":
        return torch.optim.SGD(parameters, momentum=MOMENTUM, **shared)
    if train.optimizer == "adafactor":
        return torch.optim.Adafactor(parameters, eps=(None, 1.0), **shared)
    return torch.optim.AdamW(parameters, betas=BETAS, fused=True, **shared)


def learning_rate(share: float, train: Train, lr: float) -> float:
    """The learning rate at a share of the training: linear warm-up from a tenth, then `train.lr_scheduler_type`.

    `linear` falls to a tenth, `cosine` falls to a tenth along half a wave (Loshchilov and Hutter 2017,
    arXiv:1608.03983), `constant` stays.
    """
    if share < train.warmup_ratio:
        return lr * (0.1 + 0.9 * share / train.warmup_ratio)
    if train.lr_scheduler_type == "constant":
        return lr
    if train.lr_scheduler_type == "cosine":
        wave = math.cos(math.pi * (share - train.warmup_ratio) / (1.0 - train.warmup_ratio))
        return lr * (0.1 + 0.45 * (1.0 + wave))
    return lr * (1.0 - 0.9 * (share - train.warmup_ratio) / (1.0 - train.warmup_ratio))
