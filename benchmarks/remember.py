"""Ways to remember, side by side on one stream: what each keeps, forgets and still says though it is superseded.

python -m benchmarks.remember --out results --stream lifecycle
python -m benchmarks.remember --out results --stream banking77 --seeds 17,18,19 --only naive,default,joint
python -m benchmarks.remember --out results --stream samples --quick

Resumable: a way whose figures for a seed lie in --out is not run again. Prints a table and keeps it, with two pictures,
beside the figures in OUT/STREAM.
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
from benchmarks.family import reads_only
from benchmarks.figures import figures, matrix, table, zero_shot
from benchmarks.stream import Measured, learn
from benchmarks.streams import DATA, STREAMS, Drops, Size, read_stream
from benchmarks.ways import QUICK, WAYS, Way

EVERY_QUESTION = {"current_questions": 100_000, "retained_questions": 100_000}
"""No sample is drawn: all ways, joint training among them, are asked the very same questions after the last drop."""
MAX_TOKENS = 400_000
QUICK_TOKENS = 20_000


@dataclass(frozen=True)
class Settings:
    """What all ways of a run have in common; figures of other settings are not mixed with them."""

    stream: str
    size: Size
    base: str | None
    max_tokens: int


def run(way: Way, drops: Drops, settings: Settings, seed: int, answers: Path) -> list[Measured]:
    """Learn the stream in one way, every candidate built upon.

    Args:
        answers: where answers are remembered, for all ways ask the untrained base the same questions.
    """
    own = {
        "split": EVERY_QUESTION | {"seed": seed},
        "train": {"max_tokens": settings.max_tokens, "seed": seed},
        "model": {"base": settings.base} if settings.base else {},
    }
    knobs = {name: own.get(name, {}) | way.knobs.get(name, {}) for name in own | way.knobs}
    with tempfile.TemporaryDirectory(prefix="abreast-bench-") as name:
        folder, answers = Path(name), answers.resolve()
        answers.mkdir(parents=True, exist_ok=True)
        (folder / ".abreast").mkdir()
        (folder / ".abreast/answers").symlink_to(answers, target_is_directory=True)
        return list(learn(drops, folder, knobs, False, way.before_training, way.learned, way.stages))


def place(out: Path, name: str, seed: int) -> Path:
    """The file of the measurements of a way."""
    return out / f"{re.sub('[^a-z0-9]+', '-', name.lower()).strip('-')}-{seed}.json"


def stored(out: Path, name: str, drops: Drops, settings: Settings, seed: int) -> list[Measured]:
    """The measurements of a way, from `out` if they are there.

    Raises:
        AbreastError: what is there was measured with other settings.
    """
    path = place(out, name, seed)
    if not path.exists():
        done = run(WAYS[name], drops, settings, seed, out / "answers")
        _write(path, {"settings": asdict(settings), "updates": [vars(one) for one in done]})
    kept = json.loads(path.read_text())
    if kept["settings"] != asdict(settings):
        raise AbreastError(
            f"{path}: measured with {kept['settings']}, asked for {asdict(settings)}; give another --out"
        )
    return [Measured(**one) for one in kept["updates"]]


def _write(path: Path, content: Any) -> None:
    partial = path.with_suffix(".part")
    partial.write_text(json.dumps(content, indent=1) + "\n")
    partial.replace(path)


def chosen(stream: str, only: str | None, quick: bool, encoder: bool = False) -> list[str]:
    """The ways to run: those whose names begin so, else those that differ on the stream, of a quick run the leading.

    Args:
        encoder: the base is one: what shows it examples is left out, and experts, who are chosen by a prompt.
    """
    starts = tuple(filter(None, only.split(","))) if only else QUICK if quick else ("",)
    names = [name for name in WAYS if name.startswith(starts)]
    if not names:
        raise AbreastError(f"--only {only}: no way begins so; there are {', '.join(WAYS)}")
    if encoder and (prompted := [name for name in names if _takes_a_prompt(WAYS[name])]):
        left_out = f"{', '.join(prompted)}, for an encoder has no prompt"
        if not (names := [name for name in names if name not in prompted]):
            raise AbreastError(f"--only {only}: nothing is left to run but {left_out}")
        print(f"left out: {left_out}", flush=True)
    return [name for name in names if only or STREAMS[stream].supersedes or not WAYS[name].where_superseded]


def _takes_a_prompt(way: Way) -> bool:
    return "train" not in way.stages or bool(way.knobs.get("train", {}).get("experts"))


def to_measure(names: Sequence[str], seeds: Sequence[int]) -> list[tuple[int, str]]:
    """Every way with every seed; one that trains nothing draws nothing, so it has the first seed only."""
    return [(seed, name) for seed, name in product(seeds, names) if seed == seeds[0] or "train" in WAYS[name].stages]


def compare(out: Path, runs: Sequence[tuple[int, str]], settings: Settings, drops: Drops) -> None:
    """Run what is missing; print and keep the table and the pictures."""
    from benchmarks.pictures import plot_compute, plot_matrices

    measure, numbers, matrices = STREAMS[settings.stream].measure, {}, {}
    for seed, name in runs:
        done = stored(out, name, drops, settings, seed)
        found = {name: done}
        if "zero-shot" not in numbers and "train" in done[-1].seconds:
            found = {"zero-shot": zero_shot(done[-1:])} | found
        for who, measured in found.items():
            numbers.setdefault(who, []).append(figures(measured, measure))
            matrices.setdefault(who, []).append(matrix(measured))
            print(f"{who}, seed {seed}: average {numbers[who][-1].average:.1%}", flush=True)
    text = table(numbers, own=measure[1].replace("_", " ") if measure else None)
    (out / "table.md").write_text(text + "\n")
    plot_matrices(matrices, settings.stream, out / "retention.png")
    plot_compute(numbers, settings.stream, out / "compute.png")
    print(text)


def main() -> None:
    """Run what is missing and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of the figures")
    parser.add_argument("--stream", choices=STREAMS, default="lifecycle")
    parser.add_argument("--quick", action="store_true", help="the leading ways at a very small size, in minutes")
    parser.add_argument("--seeds", type=_numbers, default=[17], help="of training and replay, such as 17,18,19")
    parser.add_argument("--only", help="ways to run, by the beginning of their names, with commas between")
    parser.add_argument("--show", action="store_true", help="run nothing: the table of what is there")
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
    runs = to_measure(chosen(asked.stream, asked.only, asked.quick, reads_only(asked.base)), asked.seeds)
    if asked.show and not (runs := [run for run in runs if place(out, run[1], run[0]).exists()]):
        raise AbreastError(f"{out}: nothing is measured there yet; leave --show out")
    compare(out, runs, Settings(asked.stream, size, asked.base, tokens), drops)


def _numbers(text: str) -> list[int]:
    try:
        return [int(number) for number in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no list of numbers such as 17,18,19") from None


if __name__ == "__main__":
    stage.run(main)
