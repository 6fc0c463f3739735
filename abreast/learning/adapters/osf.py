"""OSF: trains each matrix in its weak directions only, and keeps the strong ones.

Orthogonal subspace fine-tuning (Nayak et al. 2025, arXiv:2504.07097). PEFT splits a matrix by its singular values: the
strongest `keep` of them are frozen, the others are trained, and their gradients are projected off the frozen ones. The
base stays beside it, so disabling the adapter gives the base; the model folder holds the trained part.
"""

from typing import Any, Literal

from pydantic import Field

from abreast.learning.adapters import protocol


class OSF:
    """U_high S_high V_high + U S V in place of W; U, S and V are trained."""

    class Knobs(protocol.Knobs):
        keep: float = Field(0.75, ge=0.05, lt=1)
        targets: Literal["all", "attention", "mlp"] = "all"

    activated = False

    def __init__(self, knobs: Knobs):
        self.knobs = knobs

    def peft_config(self, model: Any, layers: int) -> Any:
        from peft import OSFConfig

        from abreast.learning.adapters.target_modules import linear_paths

        return OSFConfig(
            effective_rank=self.knobs.keep,
            target_modules=linear_paths(model, layers, self.knobs.targets),
            task_type="CAUSAL_LM",
        )
