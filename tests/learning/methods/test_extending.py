"""Runs the worked example of docs/training-methods.md."""

import ast
import importlib.util
import re
import sys
from pathlib import Path

import pytest
import yaml

from abreast.learning.methods import METHODS, make_methods
from tests.learning.methods.tiny_training import make_run, train, weights

PAGE = (Path(__file__).parents[3] / "docs/training-methods.md").read_text()


def block(before: str) -> str:
    """The code block after the line that ends with `before`."""
    return re.search(re.escape(before) + r":\n\n```\w+\n(.*?)```", PAGE, re.DOTALL)[1]


def load(name: str, source: str, folder: Path):
    path = folder / f"{name.rsplit('.', 1)[-1]}.py"
    path.write_text(source)
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def chosen(tmp_path, monkeypatch):
    """The example's knobs, once it is there and registered."""
    line = ast.literal_eval("{" + block("`abreast/learning/methods/__init__.py`") + "}")
    ((method, place),) = line.items()
    monkeypatch.setitem(METHODS, method, place)
    source = block("`abreast/learning/methods/ball.py`")
    assert len(source.splitlines()) < 60
    monkeypatch.setitem(sys.modules, place.split(":")[0], load(place.split(":")[0], source, tmp_path))
    return yaml.safe_load(block("Its use in `params.yaml`"))["train"]["regularizers"]


def test_the_example_trains_and_stays_in_its_ball(chosen, tiny_base, tmp_path):
    parent = weights(make_run(tiny_base))
    run = make_run(tiny_base, parent)
    train(run, make_methods(chosen), tmp_path / "checkpoints", epochs=8)
    changes = [(p - run.start[name]).norm().item() for name, p in run.parameters.items()]
    assert max(changes) == pytest.approx(chosen[0]["radius"], rel=1e-3), "some matrix came to the edge"


def test_its_own_test_passes(chosen, tmp_path):
    module = load("test_ball", block("`tests/learning/methods/test_ball.py`"), tmp_path)
    tests = [test for name, test in vars(module).items() if name.startswith("test_")]
    assert tests
    for test in tests:
        test()


def test_the_lists_in_the_page_are_read_by_the_code_and_every_method_is_in_its_table():
    first = yaml.safe_load(re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[1])
    assert len(make_methods(first["train"]["regularizers"])) == 4
    rows = {row[1]: row[0] for row in re.finditer(r"^\| `(\w+)` \|.*$", PAGE.split("## The methods")[1], re.MULTILINE)}
    assert rows.keys() == METHODS.keys()
    for method, row in rows.items():
        (instance,) = make_methods([{"method": method}])
        knobs = row.split("|")[2]
        for name, field in instance.Knobs.model_fields.items():
            assert re.search(rf"`{name}` \(`?{re.escape(str(field.default))}\b", knobs), f"{method}.{name}"
        assert set(re.findall(r"`(\w+)` \(", knobs)) == set(instance.Knobs.model_fields)
