"""Measures training steps alone and beside busy processes: with one thread, all cores, and Abreast's own choice.

Each cell is a process of its own that trains one adapter on the same lines. The ways take turns in each round, so that
other work on the machine disturbs them alike; ratios are to the fastest time of a single thread alone.

python -m benchmarks.threads
python -m benchmarks.threads --base packaged:smollm2-135m-instruct --steps 10 --rounds 3 --beside 0 1 2
"""

import argparse
import json
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.tables import markdown_table
from tests.learning.tiny import write_tiny_base

AUTOMATIC = "automatic"
WARM_UP = 3
"""Steps that are not timed."""
TEXT = "Question: What is the newest release of Arvia 3.{0}?\nAnswer: 3.{0}.{1}, of the spring of 2024."


def spin() -> None:
    """Keep one core busy for ever."""
    while True:
        pass


@contextmanager
def busy_processes(number: int) -> Iterator[None]:
    """So many processes that keep a core busy each."""
    busy = [multiprocessing.Process(target=spin, daemon=True) for _ in range(number)]
    for process in busy:
        process.start()
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.join()


def time_steps(base: str, steps: int) -> dict[str, float | str]:
    """Seconds of a training step of a LoRA on `base` in this process, and the line about threads."""
    from abreast.core.threads import use_free_cores

    chosen = use_free_cores()

    import torch
    from peft import LoraConfig, get_peft_model

    from abreast.core.settings import Model
    from abreast.learning.backbone.base_model import find_base, load_base

    model, tokenizer, _ = load_base(Model(base=base, device="cpu"), find_base(base))
    model = get_peft_model(model, LoraConfig(r=16, target_modules="all-linear"))
    lines = [TEXT.format(number, number * 7) for number in range(6)]
    ids = torch.tensor([tokenizer(line).input_ids[:40] for line in lines])
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-4)
    for step in range(WARM_UP + steps):
        if step == WARM_UP:
            started = time.perf_counter()
        model(input_ids=ids, labels=ids).loss.backward()
        optimizer.step()
        optimizer.zero_grad()
    return {"seconds": (time.perf_counter() - started) / steps, "chosen": chosen}


def in_a_process(way: str, base: str, steps: int) -> dict[str, float | str]:
    """`time_steps` in a process of its own, with a number of threads or the automatic one."""
    env = {name: value for name, value in os.environ.items() if name not in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}
    if way != AUTOMATIC:
        env["OMP_NUM_THREADS"] = way
    command = [sys.executable, "-m", "benchmarks.threads", "--one", base, str(steps)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def thread_table(seconds: dict[tuple[int, str], list[float]], chosen: dict[int, list[str]]) -> str:
    """A row for each number of busy processes: the median milliseconds a step of each way, and its ratio."""
    besides, ways = sorted({beside for beside, _ in seconds}), list(dict.fromkeys(way for _, way in seconds))
    unit = min(seconds[besides[0], "1"])
    rows = []
    for beside in besides:
        medians = [statistics.median(seconds[beside, way]) for way in ways]
        cells = [f"{1000 * median:.1f} ({median / unit:.1f})" for median in medians]
        rows.append((str(beside), *cells, "; ".join(dict.fromkeys(chosen[beside]))))
    names = [way if way == AUTOMATIC else f"{way} threads" for way in ways]
    return markdown_table(("busy processes", *(f"{name}, ms a step (ratio)" for name in names), "chosen"), rows)


def run(base: str, given: argparse.Namespace) -> str:
    """Measure all ways beside each number of busy processes, in rounds."""
    ways = list(dict.fromkeys(("1", str(os.cpu_count()), AUTOMATIC)))
    seconds: dict[tuple[int, str], list[float]] = {}
    chosen: dict[int, list[str]] = {}
    for number in range(given.rounds):
        for beside in given.beside:
            with busy_processes(beside):
                for way in ways:
                    found = in_a_process(way, base, given.steps)
                    seconds.setdefault((beside, way), []).append(found["seconds"])
                    if way == AUTOMATIC:
                        chosen.setdefault(beside, []).append(found["chosen"].removeprefix("threads: "))
        print(f"round {number + 1} of {given.rounds} done", file=sys.stderr, flush=True)
    return thread_table(seconds, chosen)


def main() -> None:
    """Print the table; with `--one`, the figures of one process as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", help="as `model.base` (default: the tiny model of the tests)")
    parser.add_argument("--steps", type=int, default=200, help="timed steps of each process (default 200)")
    parser.add_argument("--rounds", type=int, default=3, help="repetitions (default 3)")
    parser.add_argument("--beside", type=int, nargs="+", default=[0, 1], help="numbers of busy processes (0 1)")
    parser.add_argument("--one", nargs=2, metavar=("BASE", "STEPS"), help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(json.dumps(time_steps(given.one[0], int(given.one[1]))))
        return
    with tempfile.TemporaryDirectory(prefix="abreast-threads-") as folder:
        print(run(given.base or str(write_tiny_base(Path(folder))), given))


if __name__ == "__main__":
    main()
