"""File names in an inbox: which are data, which mark a delivery as complete, which are ignored."""

from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath

from abreast.core.errors import AbreastError

SUCCESS = "_SUCCESS"
MANIFEST = "manifest.json"
DONE = ".done"
DATA_SUFFIXES = (".jsonl", ".ndjson", ".csv", ".parquet", ".jsonl.gz", ".ndjson.gz", ".csv.gz")


def check_relative(name: str, where: str) -> None:
    """Refuse a file name that would leave the folder it is put into."""
    path = PurePosixPath(name)
    if not name or path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name:
        raise AbreastError(f"{where}: file name {name!r} leads outside its folder; expected a relative name")


def is_ignored(name: str) -> bool:
    """Whether a name, or a folder in it, is hidden or ends in `.part` or `.tmp`: it is not complete yet."""
    return any(p.startswith(".") or p.endswith((".part", ".tmp")) for p in PurePosixPath(name).parts)


def is_data(name: str) -> bool:
    """Whether the reader can read a file of this name."""
    return name.lower().endswith(DATA_SUFFIXES)


def payload_files(names: Iterable[str]) -> list[str]:
    """The data files among the names in a delivered folder: all but markers and ignored ones, sorted."""
    return sorted(n for n in names if n not in (SUCCESS, MANIFEST) and not is_ignored(n))


def candidate_names(name: str) -> Iterator[str]:
    """`a.jsonl`, `a-2.jsonl`, `a-3.jsonl` ...: names to try until one is free; the suffix stays at the end."""
    yield name
    suffix = next((s for s in sorted(DATA_SUFFIXES, key=len, reverse=True) if name.lower().endswith(s)), "")
    stem, ending = (name[: -len(suffix)], name[-len(suffix) :]) if suffix else (name, "")
    number = 2
    while True:
        yield f"{stem}-{number}{ending}"
        number += 1
