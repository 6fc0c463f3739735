"""The table of losses: how badly a model answers each record that it was trained on, left in its model folder.

The method `prioritized` of `train.regularizers` writes it, `split.replay: prioritized` of the next update reads it.
"""

from pathlib import Path

from abreast.core.errors import AbreastError
from abreast.dataset.sampling import stable_hash

NUMBERS = "surprise/numbers"
"""The tensor of `loss_key` each record, int64 [n]."""
LOSSES = "surprise/losses"
"""The tensor of the worst mean loss of a token over the examples of each record, float32 [n], in nats."""


def loss_key(name: str) -> int:
    """The number of a key (or of the id of a record without one) in the table: 63 bits."""
    return stable_hash(name, "surprise") >> 1


def read_losses(carried_state: Path) -> dict[int, float]:
    """The table in `memory.safetensors` of a model folder, by `loss_key`; empty if there is none.

    Raises:
        AbreastError: the file is damaged.
    """
    from safetensors import SafetensorError, safe_open

    if not carried_state.is_file():
        return {}
    try:
        with safe_open(carried_state, framework="numpy") as tensors:
            if NUMBERS not in tensors.keys():  # noqa: SIM118 (it is no mapping)
                return {}
            numbers, losses = tensors.get_tensor(NUMBERS), tensors.get_tensor(LOSSES)
    except SafetensorError as error:
        raise AbreastError(f"{carried_state}: not the carried state of a model: {error}") from None
    return dict(zip(numbers.tolist(), losses.tolist(), strict=True))
