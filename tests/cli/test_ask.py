"""`abreast ask`: one question or several, from the command line or from stdin, with the model loaded once."""

import json
import subprocess
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner, Result

from abreast.cli.main import app
from abreast.core.settings import Model
from abreast.inference import load as loading
from abreast.serving import loaded_version
from tests.learning.tiny import write_tiny_base
from tests.serving.test_loaded_version import untrained_adapter

pytestmark = pytest.mark.process
QUESTIONS = ["What is [bold]?", "Who is it?"]


@pytest.fixture(scope="module")
def tiny_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose champion is an untrained model of random weights, which writes 20 tokens."""
    root = tmp_path_factory.mktemp("asked")
    base = write_tiny_base(root / "base")
    untrained_adapter(root / "model", Model(base=str(base)))
    subprocess.run(["git", "init", "--quiet", str(root)], check=True)
    (root / "params.yaml").write_text(
        yaml.safe_dump({"model": {"base": str(base)}, "evaluate": {"max_new_tokens": 20}})
    )
    return root


@pytest.fixture
def loads(tiny_root: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which models were loaded, in the order of loading."""
    loaded, load = [], loading.load_predictors

    def count(folders, *settings):
        loaded.extend(folders)
        return load(folders, *settings)

    monkeypatch.setenv("ABREAST_PROJECT", str(tiny_root))
    monkeypatch.setenv("ABREAST_HOME", str(tiny_root / "home"))
    monkeypatch.setattr(loading, "load_predictors", count)
    monkeypatch.setattr(loaded_version, "fetch_version", lambda *_: (3, tiny_root / "model"))
    return loaded


def ask(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(app, ["ask", *arguments], input=stdin)


def json_lines(result: Result) -> list[dict]:
    assert result.exit_code == 0, result.output
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_one_question_gives_one_document_and_an_answer_as_long_as_the_project_allows(loads):
    answered = json.loads(ask(QUESTIONS[0], "--json").stdout)
    assert (answered["question"], answered["version"]) == (QUESTIONS[0], "v3")
    assert 12 < len(answered["answer"]) <= 20, "a byte a token; 12 is the default"


def test_several_questions_give_a_line_each_and_load_the_model_once(loads):
    answered = json_lines(ask(*QUESTIONS, "--json"))
    assert [one["question"] for one in answered] == QUESTIONS
    assert loads == ["v3"]
    assert json_lines(ask("-", "--json", stdin="\n".join([*QUESTIONS, "", ""]))) == answered
    assert loads == ["v3", "v3"], "once a call"


def test_people_read_an_answer_a_line_with_its_version(loads):
    done = ask("-", stdin=QUESTIONS[1])
    assert done.stdout.rstrip().endswith("(v3)")


def test_questions_and_stdin_or_an_empty_question_are_refused_before_the_model_is_loaded(loads):
    both = ask("-", "What?")
    assert (both.exit_code, "give questions or -, not both" in both.stderr) == (2, True)
    empty = ask("  ")
    assert (empty.exit_code, "the question is empty" in empty.stderr) == (2, True)
    assert loads == []
