"""Measures accuracy, retention and cost at the first drops of the real lifecycle data, limited to some products.

python -m benchmarks.lifecycle --products 40 --drops 3
python -m benchmarks.lifecycle --samples          # the sample stream instead, with a harmful drop
"""

import argparse
import json
import tempfile
from pathlib import Path

from abreast.core import stage
from benchmarks.learn_stream import learn
from benchmarks.stream_data import DATA, STREAMS, Drops, StreamSize, read_harmful_drop, read_stream
from benchmarks.tables import stream_table


def samples_with_harm() -> Drops:
    """The good sample drops and the harmful one, which comes third."""
    drops = read_stream("samples", DATA, STREAMS["samples"].size)
    return [*drops[:2], read_harmful_drop(), *drops[2:]]


def main() -> None:
    """Run the stream and print its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--products", type=int, default=40)
    parser.add_argument("--drops", type=int, default=3)
    parser.add_argument("--data", type=Path, default=DATA, help="folder that holds lifecycle")
    parser.add_argument("--samples", action="store_true", help="the sample stream instead of the real data")
    parser.add_argument("--max-tokens", type=int, default=400_000, help="train.max_tokens")
    parser.add_argument("--json", type=Path, help="also write the measurements to this file")
    asked = parser.parse_args()
    size = StreamSize(drops=asked.drops, products=asked.products)
    stream = samples_with_harm() if asked.samples_with_harm else read_stream("lifecycle", asked.data, size)
    knobs = {} if asked.samples_with_harm else {"train": {"max_tokens": asked.max_tokens}}
    with tempfile.TemporaryDirectory(prefix="abreast-bench-") as folder:
        done = []
        for one in learn(stream, Path(folder), knobs):
            done.append(one)
            print(f"{one.name}: {one.verdict}", *one.reasons, sep="\n  ", flush=True)
    print(stream_table(done))
    if asked.json:
        asked.json.write_text(json.dumps([vars(one) for one in done], indent=1) + "\n")


if __name__ == "__main__":
    stage.run(main)
