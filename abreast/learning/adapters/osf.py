"""OSF: each matrix learns in its weak directions, and its strong ones stay as they are.

Orthogonal subspace fine-tuning (Nayak et al. 2025, arXiv:2504.07097). PEFT takes a matrix apart by its singular values;
the strongest `keep` of them are frozen, the others learn, and their gradients are projected off the frozen directions.
The base stays beside it, so it is there with the adapter off; the model folder holds what learns.
"""

from typing import Any, Literal

from pydantic import Field

from abreast.learning.adapters import protocol


class OSF:
    """U_high S_high V_high + U S V in place of W, of which U, S and V learn."""

    class Knobs(protocol.Knobs):
        keep: float = Field(0.75, ge=0.05, lt=1)
        targets: Literal["all", "attention", "mlp"] = "all"

    sleeps = False

    def __init__(self, knobs: Knobs):
        self.knobs = knobs

    def settings(self, model: Any, layers: int) -> Any:
        from peft import OSFConfig

        from abreast.learning.adapters.modules import linear_paths

        return OSFConfig(
            effective_rank=self.knobs.keep,
            target_modules=linear_paths(model, layers, self.knobs.targets),
            task_type="CAUSAL_LM",
        )
