"""The first drops of the real lifecycle data through the stages, limited to some products.

python -m benchmarks.lifecycle --products 40 --drops 3
python -m benchmarks.lifecycle --samples          # the sample stream instead
"""

import argparse
import gzip
import json
import tempfile
from collections import Counter
from pathlib import Path

from benchmarks.stream import SOURCE, learn
from benchmarks.table import markdown

DATA = SOURCE.parent / "shared/data/lifecycle"
LEAST_FACTS = 4


def lifecycle(folder: Path, products: int, drops: int) -> list[tuple[str, list[dict]]]:
    """The first `drops` drops, limited to the `products` with the fewest facts (at least four) in the first one."""
    files = sorted(folder.glob("*.jsonl.gz"))[:drops]
    if not files:
        raise SystemExit(f"error: {folder}: holds no *.jsonl.gz; name the folder of the lifecycle data with --data")
    read = {file.name.split(".")[0]: _rows(file) for file in files}
    facts = Counter(row["product"] for row in next(iter(read.values())))
    small = sorted((count, product) for product, count in facts.items() if count >= LEAST_FACTS)[:products]
    chosen = {product for _, product in small}
    return [(name, [row for row in rows if row["product"] in chosen]) for name, rows in read.items()]


def _rows(file: Path) -> list[dict]:
    return [json.loads(line) for line in gzip.decompress(file.read_bytes()).splitlines()]


def samples() -> list[tuple[str, list[dict]]]:
    """The good sample drops and the harmful one, which comes third."""
    folder = SOURCE / "samples/drops"
    names = [path.name for path in sorted(folder.glob("0*"))]
    names.insert(2, "bad-harmful")
    return [
        (name, [json.loads(line) for line in (folder / name / "facts.jsonl").read_text().splitlines()])
        for name in names
    ]


def main() -> None:
    """Run the stream and print its table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--products", type=int, default=40)
    parser.add_argument("--drops", type=int, default=3)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--samples", action="store_true", help="the sample stream instead of the real data")
    parser.add_argument("--max-tokens", type=int, default=400_000, help="train.max_tokens")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    asked = parser.parse_args()
    stream = samples() if asked.samples else lifecycle(asked.data, asked.products, asked.drops)
    knobs = {} if asked.samples else {"train": {"max_tokens": asked.max_tokens}}
    with tempfile.TemporaryDirectory(prefix="abreast-bench-") as folder:
        done = []
        for one in learn(stream, Path(folder), knobs):
            done.append(one)
            print(f"{one.name}: {one.verdict}", *one.reasons, sep="\n  ", flush=True)
    print(markdown(done))
    if asked.json:
        asked.json.write_text(json.dumps([vars(one) for one in done], indent=1) + "\n")


if __name__ == "__main__":
    main()
