"""The names of the code: what was renamed does not come back, and one name of a module means one thing.

`python -m tests.test_names` prints how often each old name is left, and the names that are defined twice.
"""

import ast
import re
import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from tests.installation import SOURCE


def words(text: str) -> list[str]:
    return text.split()


CODE = ("abreast", "tasks", "flows", "benchmarks", "tests")
MIGRATION = {"abreast/core/renamed_knobs.py", "tests/core/test_renamed_knobs.py", "tests/test_names.py"}
"""Where old names stand so that they can be refused with the new ones."""

CLASSES = [
    "Trunk",
    "Kept",
    "Vocabulary",
    "Shortlist",
    "Heard",
    "Encoded",
    "Marker",
    "Marked",
    "Pupil",
    "OneAdapter",
    "WithHeads",
    "Experts",
    "Voices",
    "Desk",
    "Panel",
    "ByExpert",
    "Boxes",
    "Development",
    "Score",
    "Adds",
    "Penalises",
    "Repeats",
    "Follows",
    "Offers",
    "Begins",
    "Ends",
    "Rewrites",
    "Spoken",
    "Answerer",
    "Hearing",
    "Memory",
    "Turning",
    "Turned",
    "Standing",
    "Holder",
    "Held",
    "Outcome",
    "Told",
    "WayBack",
]
DEFINED = [
    "plan",
    "completions",
    "shift",
    "together",
    "asleep",
    "awake",
    "wake",
    "sleeps",
    "narrowed",
    "sure",
    "hear",
    "agrees",
    "made",
    "begin",
    "memory",
    "legacy",
    "greedy",
    "speak",
    "foresee",
    "owned",
    "canary",
    "ground",
    "taint",
    "way_back",
    "told",
    "airy",
    "hold",
    "first_fault",
    "origins",
    "lesson",
    "lessons",
]
"""Names of functions, attributes, parameters and fields; as words of prose some of them are ordinary English."""
FILES = [
    "lower",
    "look",
    "kinds",
    "turned",
    "told",
    "holder",
    "standing",
    "origins",
    "way_back",
    "pupil",
    "trunk",
    "hearing",
    "panel",
    "desk",
    "lesson",
    "fault",
]
KNOBS = [
    "train.clip",
    "train.accumulate",
    "train.schedule",
    "train.warmup",
    "train.layers",
    "train.confident",
    "train.adapt",
    "train.remember",
    "split.rehearse",
    "split.rehearse_min",
    "drift.level",
    "drift.size",
    "drift.most",
]
GATE_FIELDS = words("""
    does against
""")
WORDS = words("""
    pupil trunk asleep awake foresee airy taint
""")
"""Words that no page, message or docstring uses any more, whatever the case."""


def sources() -> Iterator[tuple[str, ast.Module]]:
    """Each tracked file of code with its syntax tree."""
    listed = subprocess.run(["git", "ls-files", *CODE], cwd=SOURCE, text=True, capture_output=True, check=True).stdout
    for name in listed.splitlines():
        if name.endswith(".py") and name not in MIGRATION and (SOURCE / name).is_file():
            yield name, ast.parse((SOURCE / name).read_text())


def defined(tree: ast.Module) -> Iterator[str]:
    """Every name that a file gives to a class, function, parameter or field of a class."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr


def old_names() -> Counter[str]:
    """How often each old name is left."""
    left: Counter[str] = Counter()
    for name, tree in sources():
        left.update(one for one in defined(tree) if one in {*CLASSES, *DEFINED})
        left.update(f"{one}.py" for one in FILES if Path(name).stem.removeprefix("test_") == one)
    pages = subprocess.run(["git", "ls-files", "*.md", "*.yaml", "*.py"], cwd=SOURCE, text=True, capture_output=True)
    for name in pages.stdout.splitlines():
        if name in MIGRATION or name.startswith("docs/lab-notes") or not (SOURCE / name).is_file():
            continue
        text = (SOURCE / name).read_text()
        if not name.endswith(".py"):
            left.update(re.findall(rf"\b({'|'.join(map(re.escape, KNOBS))})\b", text))
        left.update(word.lower() for word in re.findall(rf"\b({'|'.join(WORDS)})\b", text, re.IGNORECASE))
        left.update(re.findall(rf"\b({'|'.join(GATE_FIELDS)}): ?(?=champion|base|absolute|block|review|warn)", text))
    return left


def defined_twice() -> dict[str, list[str]]:
    """Public classes and functions of modules that are defined in several files of the library and its flows."""
    places: defaultdict[str, list[str]] = defaultdict(list)
    for name, tree in sources():
        if name.startswith(("abreast/", "tasks/", "flows/")):
            for node in tree.body:
                if isinstance(node, ast.ClassDef | ast.FunctionDef) and not node.name.startswith("_"):
                    places[node.name].append(name)
    return {name: files for name, files in places.items() if len(files) > 1 and name not in SHARED}


SHARED = {"main", "add_commands"}
"""What each stage, or each file of commands, has under the same name with the same meaning."""


def test_no_old_name_is_left():
    assert old_names() == Counter()


def test_one_name_means_one_thing():
    """A command of `abreast` and a flow may bear the name of what they do."""
    surface = ("abreast/cli/", "flows/")
    unclear = {
        name: files for name, files in defined_twice().items() if sum(not f.startswith(surface) for f in files) > 1
    }
    assert unclear == {}


if __name__ == "__main__":
    for name, count in old_names().most_common():
        print(f"{count:5} {name}")
    for name, files in sorted(defined_twice().items()):
        print(f"{name}: {', '.join(files)}")
