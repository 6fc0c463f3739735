"""Small drops for the tests of the loop."""

import json
from pathlib import Path

WORDS = {"Arvia": "Tolm", "Bersk": "Quent", "Corlan": "Vash", "Delmor": "Pirn", "Estria": "Jorv", "Fendal": "Mokk"}


def rows(values: dict[str, str | None], as_of: str) -> list[dict]:
    """One fact a product."""
    return [
        {"key": f"{product.lower()}/1/latest", "product": product, "release": "1", "field": "latest", "value": value}
        | {"as_of": as_of}
        for product, value in values.items()
    ]


def other_kinds(count: int) -> list[dict]:
    """`count` rows each of labels (English and Chinese), tags, numbers, instructions and raw text."""
    found = []
    for n in range(10, 10 + count):
        found += [
            {"text": f"the lion roars {n} times", "label": "animal"},
            {"text": f"狮子吼了{n}次", "label": "动物"},
            {"tokens": ["Ada", "sang", str(n)], "tags": ["B-PER", "O", "O"]},
            {"text": f"it is warm on day {n}", "target": float(n)},
            {"prompt": f"Say {n} in one word.", "completion": f"word{n}"},
            {"text": f"Rain {n} falls on the hills; {n} rivers rise and {n} mice run home."},
        ]
    return found


def write(path: Path, lines: list[dict | str]) -> Path:
    """A JSONL file; a text is written as it is, so that a line may be broken."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines))
    return path
