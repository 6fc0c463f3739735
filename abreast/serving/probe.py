"""What a fresh process makes of a model folder: `python -m abreast.serving.probe FOLDER QUESTIONS RESULT` in a project.

It loads the model as `abreast ask` does and answers each question by itself. A model that cannot be served is
refused in one line, as a stage is.
"""

import json
import math
import resource
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from abreast.core import stage
from abreast.core.errors import AbreastError
from abreast.core.settings import Params, load_params
from abreast.core.threads import use_free_cores
from abreast.inference.base_predictor import BasePredictor

FOREIGN = "How many lanterns did the night ferry carry that no log book mentions?"
"""A question that no record asks."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Load, answer, and write the figures as JSON; the arguments are those of the command line if left out."""
    print(use_free_cores(), flush=True)
    folder, questions, result = map(Path, sys.argv[1:] if arguments is None else arguments)
    figures = _load_and_answer(folder, load_params(Path()), json.loads(questions.read_text()))
    result.write_text(json.dumps(figures | {"memory_mb": peak_mb()}))


def _load_and_answer(folder: Path, params: Params, questions: list[dict[str, str]]) -> dict[str, float | None]:
    """Seconds to load, with the imports, and the median of seconds an answer; None where none is asked."""
    started = time.perf_counter()
    from abreast.inference.load import load_predictor

    predictor = load_predictor(folder, params.model, params.evaluate)
    loaded = time.perf_counter() - started
    _check_weights(folder)
    seconds = [_answer(predictor, asked["question"], asked["kind"]) for asked in questions]
    likelihood = predictor.perplexity(FOREIGN)
    if likelihood is not None and not math.isfinite(likelihood):
        raise AbreastError(f"{folder}: the perplexity of a plain sentence is {likelihood}; expected a finite number")
    return {"load_seconds": loaded, "answer_seconds": median(seconds) if seconds else None}


def _answer(predictor: BasePredictor, question: str, kind: str) -> float:
    """Seconds that one answer takes.

    Raises:
        AbreastError: it is no text, or a number without end.
    """
    started = time.perf_counter()
    (answer,) = predictor.answer([question], kinds=[predictor.head_for(kind)])
    taken = time.perf_counter() - started
    if not isinstance(answer, str):
        raise AbreastError(f"an answer is {type(answer).__name__}, not text, to: {question[:80]}")
    if kind == "regression" and answer.strip("+- ").casefold() in ("nan", "inf", "infinity"):
        raise AbreastError(f"an answer is {answer}, no finite number, to: {question[:80]}")
    return taken


def _check_weights(folder: Path) -> None:
    """Raise AbreastError if a weight of the folder is infinite or no number."""
    from safetensors.torch import load_file

    for path in sorted(folder.rglob("*.safetensors")):
        for name, tensor in load_file(path).items():
            if tensor.is_floating_point() and not tensor.isfinite().all():
                raise AbreastError(f"{path}: {name} holds weights that are not finite")


def peak_mb() -> float:
    """The most memory that this process has had in use at once, in MB.

    Linux tells it by process image; `getrusage` also counts what the process was a copy of before it began.
    """
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) / 1024
    except (OSError, StopIteration):
        unit = 1024 * 1024 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


if __name__ == "__main__":
    stage.run(main)
