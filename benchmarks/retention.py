"""Compares methods against forgetting on one stream: what each retains, forgets, and still answers although superseded.

python -m benchmarks.retention --out results --stream lifecycle
python -m benchmarks.retention --out results --stream banking77 --seeds 17,18,19 --only naive,default,joint
python -m benchmarks.retention --out results --stream samples --quick

Resumable: a method with a result for a seed in --out is not run again. Prints a table, and saves it with two plots in
OUT/STREAM.
"""

import argparse
import json
import re
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

from abreast.core import stage
from abreast.core.errors import AbreastError
from benchmarks.base_family import is_encoder_base
from benchmarks.learn_stream import UpdateMeasurement, learn
from benchmarks.retention_methods import QUICK_METHODS, RETENTION_METHODS, RetentionMethod
from benchmarks.retention_summary import as_zero_shot, retention_matrix, summarize, summary_table
from benchmarks.stream_data import DATA, STREAMS, Drops, StreamSize, read_stream

EVERY_QUESTION = {"current_questions": 100_000, "retained_questions": 100_000}
"""Ask every question: then all methods, joint training too, answer the same questions after the last drop."""
MAX_TOKENS = 400_000
QUICK_TOKENS = 20_000


@dataclass(frozen=True)
class Settings:
    """What all methods of a run have in common; results of other settings are never mixed with them."""

    stream: str
    size: StreamSize
    base: str | None
    max_tokens: int


def learn_with(
    method: RetentionMethod, drops: Drops, settings: Settings, seed: int, answers: Path
) -> list[UpdateMeasurement]:
    """Learn the stream by one method, each update on the last candidate.

    Args:
        answers: the shared prediction cache, since all methods ask the untrained base the same questions.
    """
    own = {
        "split": EVERY_QUESTION | {"seed": seed},
        "train": {"max_tokens": settings.max_tokens, "seed": seed},
        "model": {"base": settings.base} if settings.base else {},
    }
    knobs = {name: own.get(name, {}) | method.knobs.get(name, {}) for name in own | method.knobs}
    with tempfile.TemporaryDirectory(prefix="abreast-bench-") as name:
        folder, answers = Path(name), answers.resolve()
        answers.mkdir(parents=True, exist_ok=True)
        (folder / ".abreast").mkdir()
        (folder / ".abreast/answers").symlink_to(answers, target_is_directory=True)
        return list(learn(drops, folder, knobs, False, method.before_training, method.learned, method.stages))


def result_file(out: Path, name: str, seed: int) -> Path:
    """The file of the measurements of a method."""
    return out / f"{re.sub('[^a-z0-9]+', '-', name.lower()).strip('-')}-{seed}.json"


def measure_once(out: Path, name: str, drops: Drops, settings: Settings, seed: int) -> list[UpdateMeasurement]:
    """Measure a method, or read its measurements from `out`.

    Raises:
        AbreastError: the file in `out` was measured with other settings.
    """
    path = result_file(out, name, seed)
    if not path.exists():
        done = learn_with(RETENTION_METHODS[name], drops, settings, seed, out / "answers")
        _write(path, {"settings": asdict(settings), "updates": [vars(one) for one in done]})
    saved = json.loads(path.read_text())
    if saved["settings"] != asdict(settings):
        raise AbreastError(
            f"{path}: measured with {saved['settings']}, asked for {asdict(settings)}; give another --out"
        )
    return [UpdateMeasurement(**one) for one in saved["updates"]]


def _write(path: Path, content: Any) -> None:
    partial = path.with_suffix(".part")
    partial.write_text(json.dumps(content, indent=1) + "\n")
    partial.replace(path)


def choose_methods(stream: str, only: str | None, quick: bool, encoder: bool = False) -> list[str]:
    """The methods to run: by the first words of their names, or all that differ on the stream, or the quick ones.

    Args:
        encoder: whether the base is one: then methods that need a prompt (examples in context, experts) are left out.
    """
    starts = tuple(filter(None, only.split(","))) if only else QUICK_METHODS if quick else ("",)
    names = [name for name in RETENTION_METHODS if name.startswith(starts)]
    if not names:
        raise AbreastError(f"--only {only}: no method begins so; there are {', '.join(RETENTION_METHODS)}")
    if encoder and (prompted := [name for name in names if _takes_a_prompt(RETENTION_METHODS[name])]):
        left_out = f"{', '.join(prompted)}, since an encoder has no prompt"
        if not (names := [name for name in names if name not in prompted]):
            raise AbreastError(f"--only {only}: nothing is left to run but {left_out}")
        print(f"left out: {left_out}", flush=True)
    return [
        name for name in names if only or STREAMS[stream].supersedes or not RETENTION_METHODS[name].where_superseded
    ]


def _takes_a_prompt(method: RetentionMethod) -> bool:
    return "train" not in method.stages or bool(method.knobs.get("train", {}).get("experts"))


def runs_to_measure(names: Sequence[str], seeds: Sequence[int]) -> list[tuple[int, str]]:
    """Every method with every seed; a method that trains nothing has the first seed only."""
    return [
        (seed, name)
        for seed, name in product(seeds, names)
        if seed == seeds[0] or "train" in RETENTION_METHODS[name].stages
    ]


def compare_methods(out: Path, runs: Sequence[tuple[int, str]], settings: Settings, drops: Drops) -> None:
    """Run what is missing; print and save the table and the plots."""
    from benchmarks.plots import plot_compute, plot_matrices

    measure, numbers, matrices = STREAMS[settings.stream].measure, {}, {}
    for seed, name in runs:
        done = measure_once(out, name, drops, settings, seed)
        found = {name: done}
        if "zero-shot" not in numbers and "train" in done[-1].seconds:
            found = {"zero-shot": as_zero_shot(done[-1:])} | found
        for who, measured in found.items():
            numbers.setdefault(who, []).append(summarize(measured, measure))
            matrices.setdefault(who, []).append(retention_matrix(measured))
            print(f"{who}, seed {seed}: average {numbers[who][-1].average:.1%}", flush=True)
    text = summary_table(numbers, own=measure[1].replace("_", " ") if measure else None)
    (out / "table.md").write_text(text + "\n")
    plot_matrices(matrices, settings.stream, out / "retention.png")
    plot_compute(numbers, settings.stream, out / "compute.png")
    print(text)


def main() -> None:
    """Run what is missing and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of the results")
    parser.add_argument("--stream", choices=STREAMS, default="lifecycle")
    parser.add_argument(
        "--quick", action="store_true", help="the most important methods at a very small size, in minutes"
    )
    parser.add_argument("--seeds", type=_numbers, default=[17], help="seeds of training and replay, such as 17,18,19")
    parser.add_argument("--only", help="methods to run, by the first words of their names, separated by commas")
    parser.add_argument("--show", action="store_true", help="run nothing, print the table of existing results")
    parser.add_argument("--data", type=Path, default=DATA, help="folder that holds lifecycle, banking77, broad-twitter")
    parser.add_argument("--base", help="model.base, such as packaged:minilm-l6-v2, else that of params.yaml")
    parser.add_argument("--max-tokens", type=int, help="train.max_tokens of each update")
    for part in ("drops", "products", "rows", "dev", "asked"):
        parser.add_argument(f"--{part}", type=int, help=f"size of the stream: {part}")
    asked = parser.parse_args()
    stream = STREAMS[asked.stream]
    given = {part: getattr(asked, part) for part in ("drops", "products", "rows", "dev", "asked")}
    size = replace(stream.quick if asked.quick else stream.size, **{k: v for k, v in given.items() if v is not None})
    tokens = asked.max_tokens or (QUICK_TOKENS if asked.quick else MAX_TOKENS)
    out = asked.out / (f"{asked.stream}-quick" if asked.quick else asked.stream)
    out.mkdir(parents=True, exist_ok=True)
    drops = read_stream(asked.stream, asked.data, size)
    runs = runs_to_measure(
        choose_methods(asked.stream, asked.only, asked.quick, is_encoder_base(asked.base)), asked.seeds
    )
    if asked.show and not (
        runs := [learn_with for learn_with in runs if result_file(out, learn_with[1], learn_with[0]).exists()]
    ):
        raise AbreastError(f"{out}: nothing is measured there yet; run without --show")
    compare_methods(out, runs, Settings(asked.stream, size, asked.base, tokens), drops)


def _numbers(text: str) -> list[int]:
    try:
        return [int(number) for number in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no list of numbers such as 17,18,19") from None


if __name__ == "__main__":
    stage.run(main)
