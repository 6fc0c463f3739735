"""The stages of dvc.yaml: what they declare, and what they really read."""

import ast
from pathlib import Path

import pytest
import yaml

from tests.installation import SOURCE

STAGES = yaml.safe_load((SOURCE / "dvc.yaml").read_text())["stages"]


def file_of(module: str) -> Path | None:
    """The source file of a module of `abreast`, relative to the repository."""
    stem = SOURCE / module.replace(".", "/")
    found = next((p for p in (stem.with_suffix(".py"), stem / "__init__.py") if p.is_file()), None)
    return found.relative_to(SOURCE) if found else None


def imports_of(path: Path) -> set[str]:
    """The modules of `abreast` that a file imports anywhere, also inside functions."""
    names = set()
    for node in ast.walk(ast.parse((SOURCE / path).read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return {name for name in names if name.split(".")[0] == "abreast"}


def closure(stage: str) -> set[Path]:
    """Every file of `abreast` that is loaded, sooner or later, when a stage runs; packages' empty files left out.

    The files of a folder that it declares are loaded by name, as the knobs say.
    """
    folders = [SOURCE / dep for dep in STAGES[stage]["deps"] if (SOURCE / dep).is_dir()]
    by_name = [path.relative_to(SOURCE) for folder in folders for path in folder.glob("*.py")]
    seen, waiting = set(), [file_of(entry(stage)), *by_name]
    while waiting:
        path = waiting.pop()
        if path is None or path in seen:
            continue
        seen.add(path)
        waiting += [file_of(name) for name in imports_of(path)]
    return {path for path in seen if ast.parse((SOURCE / path).read_text()).body}


def entry(stage: str) -> str:
    return STAGES[stage]["cmd"].removeprefix("python -m ")


@pytest.mark.parametrize("stage", STAGES)
def test_the_dependencies_of_a_stage_cover_what_it_imports(stage):
    declared = [Path(dep) for dep in STAGES[stage]["deps"] if not dep.startswith("${")]
    missing = [p for p in closure(stage) if not any(p == d or d in p.parents for d in declared)]
    assert not missing, f"add to the deps of {stage} in dvc.yaml: {sorted(map(str, missing))}"


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_declares_no_code_that_it_does_not_import(stage):
    declared = {Path(dep) for dep in STAGES[stage]["deps"] if dep.endswith(".py")}
    assert declared <= closure(stage)


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_loads_nothing_that_touches_the_world(stage):
    touching = {"ledger", "tracking", "lifecycle", "lineage", "serving", "services", "storage", "tuning", "cli"}
    assert not {p for p in closure(stage) if len(p.parts) > 1 and p.parts[1] in touching}
