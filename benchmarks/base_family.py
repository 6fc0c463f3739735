"""Prints whether a base is an `encoder` or `causal`: python -m benchmarks.base_family packaged:minilm-l6-v2

It runs in its own process, because a benchmark that measures memory loads nothing large itself.
"""

import subprocess
import sys

from abreast.core import stage
from abreast.core.errors import AbreastError


def is_encoder_base(base: str | None) -> bool:
    """Whether `base` names an encoder; the default base is none.

    Raises:
        AbreastError: there is no such base.
    """
    if base is None:
        return False
    done = subprocess.run([sys.executable, "-m", "benchmarks.base_family", base], capture_output=True, text=True)
    if done.returncode:
        raise AbreastError(done.stderr.strip().splitlines()[-1].removeprefix("error: "))
    return done.stdout.strip() == "encoder"


def main() -> None:
    """Print the family of the base that the command line names."""
    from transformers.models.auto.configuration_auto import AutoConfig

    from abreast.learning.backbone.architecture import is_encoder
    from abreast.learning.backbone.base_model import find_base

    base = find_base(sys.argv[1])
    config = AutoConfig.from_pretrained(base.source, revision=base.revision, trust_remote_code=False)
    print("encoder" if is_encoder(config) else "causal")


if __name__ == "__main__":
    stage.run(main)
