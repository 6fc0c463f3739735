"""The tier of each test, from what it and its fixtures use. Nobody marks a test by hand, but for `slow`.

- `server`: a fixture or a parameter that starts a real server.
- `process`: the test, a helper or a fixture reaches what starts processes or opens ports.
- `model`: its module, the test, a helper or a fixture imports what loads torch.
- `unit`: all others. Such a test fails if it loads torch, starts a process or opens a port.

Where the code under test does one of these by itself, no import shows it: there the test bears the mark of its tier.
"""

import ast
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1]
TIERS = ("server", "process", "model", "unit")
"""The first that applies is the test's tier."""
SERVERS = {"mlflow_uri", "s3_server", "new_postgres", "loop"}
"""Fixtures that start a real server."""
LONGEST = (
    "tests/flows/test_loop.py",
    "tests/lineage/test_reproduce.py",
    "tests/test_repro.py",
    "tests/lifecycle/test_intake.py",
    "tests/tuning/test_search.py",
    "tests/serving/test_servable.py",
    "tests/lifecycle/test_promoters_at_once.py",
    "tests/learning/methods/test_methods.py",
    "tests/learning/trainer/test_train.py",
    "tests/benchmarks/test_retention.py",
)
"""Files, by what they took in a whole run."""
PROCESSES = ("subprocess", "multiprocessing", "socket", "http.server", "os.fork")
TORCH = {"torch", "transformers", "peft"}
OURS = ("abreast", "benchmarks", "flows", "tasks", "tests")
STARTS = {"subprocess.Popen", "os.fork", "os.forkpty", "os.posix_spawn", "os.system", "socket.bind"}
"""Events of `sys.addaudithook`."""


@cache
def file_of(module: str) -> Path | None:
    """The source file of one of our modules."""
    if module.split(".")[0] not in OURS:
        return None
    stem = SOURCE / module.replace(".", "/")
    return next((path for path in (stem.with_suffix(".py"), stem / "__init__.py") if path.is_file()), None)


@cache
def tree_of(module: str) -> ast.Module:
    path = file_of(module)
    return ast.parse(path.read_text("utf-8"))


def imports_of(nodes: list[ast.stmt], deep: bool) -> Iterator[tuple[str, str, str | None]]:
    """What statements import, as (local name, module, name in it); `deep` looks into functions too."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from ((one.asname or one.name.split(".")[0], one.name, None) for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((one.asname or one.name, node.module, one.name) for one in node.names)
        elif not isinstance(node, ast.expr) and (deep or not _later(node)):
            yield from imports_of(list(ast.iter_child_nodes(node)), deep)


def _later(node: ast.AST) -> bool:
    """Whether what is inside is not run when the module is imported."""
    checking = isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
    return checking or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)


@cache
def top_imports(module: str) -> dict[str, tuple[str, str | None]]:
    return {local: (source, name) for local, source, name in imports_of(tree_of(module).body, deep=False)}


@cache
def loads_torch(module: str) -> bool:
    """Whether the import of a module loads torch."""
    waiting, seen = [module], set()
    while waiting:
        name = waiting.pop()
        if name.split(".")[0] in TORCH:
            return True
        parents = [name.rsplit(".", n)[0] for n in range(1, name.count(".") + 1)]
        for one in (name, *parents):
            if one not in seen and file_of(one):
                seen.add(one)
                for imported, attribute in top_imports(one).values():
                    waiting += [imported, f"{imported}.{attribute}"]
    return False


@cache
def definitions(module: str) -> dict[str, ast.stmt]:
    """The functions, classes and assignments of a module, by name."""
    found: dict[str, ast.stmt] = {}
    for node in tree_of(module).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            found[node.name] = node
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {name.id: node for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)}
    return found


@cache
def uses(module: str, name: str) -> tuple[set[str], set[tuple[str, str]]]:
    """What a definition of the tests reaches by itself: modules outside `tests`, and definitions of the tests."""
    node = definitions(module).get(name)
    if node is None:
        return set(), set()
    body = node.body if isinstance(node, ast.FunctionDef) else [node]  # without what decorates it
    inside = [one for part in body for one in ast.walk(part)]
    inner = {local: (source, name) for local, source, name in imports_of(body, deep=True)}
    modules, helpers = set(), set()
    if any(isinstance(one, ast.Attribute) and one.attr == "fork" for one in inside):
        modules.add("os.fork")
    for used in {one.id for one in inside if isinstance(one, ast.Name)} | inner.keys():
        source, attribute = (top_imports(module) | inner).get(used, (module, used))
        if source.split(".")[0] != "tests":
            modules |= {source, f"{source}.{attribute}"}
        elif attribute and file_of(f"{source}.{attribute}"):
            helpers |= {(f"{source}.{attribute}", one) for one in definitions(f"{source}.{attribute}")}
        else:
            helpers.add((source, attribute))
    return modules, helpers


@cache
def used_by(module: str, name: str) -> set[str]:
    """The modules outside `tests` that a function of the tests reaches, through helpers and classes of the tests."""
    found, seen, waiting = set(), set(), {(module, name)}
    while waiting:
        one = waiting.pop()
        seen.add(one)
        modules, helpers = uses(*one)
        found |= modules
        waiting |= helpers - seen
    return found


def tier_of(item: pytest.Function) -> str:
    """The tier of a test; `slow` comes before all others."""
    if item.get_closest_marker("slow"):
        return "slow"
    marked = [tier for tier in TIERS if item.get_closest_marker(tier)]
    defs = [one for name in item._fixtureinfo.names_closure for one in item._fixtureinfo.name2fixturedefs.get(name, ())]
    if SERVERS & {one.argname for one in defs}:
        return "server"
    functions = [item.function, *(one.func for one in defs)]
    used = set()
    for function in functions:
        function = getattr(function, "hypothesis", None) and function.hypothesis.inner_test or function
        if file_of(function.__module__) and function.__module__.startswith("tests."):
            used |= used_by(function.__module__, function.__qualname__.split(".")[0])
    if any(one == start or one.startswith(f"{start}.") for one in used for start in PROCESSES):
        marked.append("process")
    if loads_torch(item.module.__name__) or any(loads_torch(one) for one in used):
        marked.append("model")
    return next((tier for tier in TIERS if tier in marked), "unit")


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(SOURCE).with_suffix("").parts)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """`-m unit` imports no module that loads torch: nothing in it is of this tier."""
    if config.option.markexpr != "unit" or not collection_path.name.startswith("test_"):
        return None
    return loads_torch(module_name(collection_path)) or None


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark each test, and put the files that take longest first: `--dist loadfile` gives them out in this order."""
    first: dict[str, int] = {}
    for item in items:
        tier = tier_of(item)
        if not item.get_closest_marker(tier):
            item.add_marker(tier)
        rank = TIERS.index(tier) if tier in TIERS else len(TIERS)
        first[item.location[0]] = min(first.get(item.location[0], rank), rank)
    order = {path: (place, -1) for place, path in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.location[0], (len(LONGEST), first[item.location[0]])))


class Guard:
    """Notices what a unit test must not do."""

    def __init__(self) -> None:
        self._watching = False
        self.faults: list[str] = []
        sys.addaudithook(self._note)

    def watch(self) -> None:
        self.faults, self._torch = [], "torch" in sys.modules
        self._watching = True

    def end(self) -> list[str]:
        """What was done since `watch`."""
        self._watching = False
        loaded = "torch" in sys.modules and not self._torch
        return [*self.faults, *(["it loaded torch"] if loaded else [])]

    def _note(self, event: str, arguments: tuple) -> None:
        if self._watching and event in STARTS and not _is_probe(event, arguments):
            self.faults.append(f"{event}{arguments[1:3]}")


PROBES = (["uname", "-p"], ["fc-list", "--help"], ["fc-list", "--format=%{file}\\n"])
"""Commands by which a library looks at this machine when it is first used: the `platform` module, and matplotlib."""


def _is_probe(event: str, arguments: tuple) -> bool:
    """Whether a library looks at this machine; urllib3 asks it for IPv6."""
    asks = event == "subprocess.Popen" and arguments[1] in PROBES
    return asks or (event == "socket.bind" and arguments[1][0] == "::1")


_GUARD = pytest.StashKey[Guard]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_GUARD] = Guard()


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("unit"):
        item.config.stash[_GUARD].watch()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    done = yield
    if item.get_closest_marker("unit") and (faults := item.config.stash[_GUARD].end()):
        pytest.fail(f"a unit test must not: {faults[0]}; give it the mark `model` or `process` (tests/tiers.py)")
    return done
