"""A candidate is loaded and asked in a process of its own."""

import json
import os
from pathlib import Path

import pytest

from abreast.core.errors import AbreastError
from abreast.core.settings import GATES, ServingGate
from abreast.gates.figure_gates import judge_figure
from abreast.learning.trainer import train
from abreast.reports.figures import Figure, read_figures
from abreast.serving import probe
from abreast.serving.servable import measure_serving, smoke_questions, try_serving
from tests.installation import PREFORK, SOURCE
from tests.learning.conftest import tiny_base
from tests.learning.project import promote, question, write_project
from tests.serving.test_loaded_version import two_heads

__all__ = ["tiny_base"]

SERVING = [gate for gate in GATES if gate.scope == "serving"]


@pytest.fixture
def environment(prefork) -> dict[str, str]:
    """What a candidate's process gets."""
    return {**os.environ, "PYTHONPATH": f"{PREFORK}{os.pathsep}{SOURCE}"}


@pytest.fixture(scope="module")
def project(tmp_path_factory, tiny_base):
    """A project with a barely trained model, which is its own parent."""
    root = write_project(tmp_path_factory.mktemp("served") / "project", tiny_base, epochs=1)
    (root / "reports").mkdir(exist_ok=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.setenv("ABREAST_HOME", str(root / "home"))
        train.main()
    promote(root)
    return root


def test_a_fresh_process_loads_a_candidate_and_answers(project, environment):
    bigger = ServingGate(name="grown", measure="memory_mb", scope="serving", compare_to="champion", at_most=1.5)
    figures = measure_serving(project, [*SERVING, bigger], environment)
    assert read_figures(project / "reports") == figures
    assert figures["loads"] == Figure(candidate=1.0, champion=1.0)
    assert 50 < figures["memory_mb"].candidate < 5000
    size = sum(path.stat().st_size for path in (project / "model").iterdir()) / 1e6
    assert figures["size_mb"].candidate == size == figures["size_mb"].champion
    assert 0 < figures["answer_seconds"].candidate < figures["load_seconds"].candidate
    results = [result for gate in [*SERVING, bigger] for result in judge_figure(gate, figures, "candidate")]
    assert [(result.name, result.passed) for result in results] == [(g.name, True) for g in [*SERVING, bigger]]
    assert results[-1].needed == pytest.approx(1.5 * figures["memory_mb"].champion)


def test_no_process_is_started_if_no_gate_asks(project, tmp_path):
    assert measure_serving(project, [gate for gate in GATES if gate.scope != "serving"], {}) == {}


def beginning_with(folder: Path, program: str) -> dict[str, str]:
    """The environment of a process that begins with a program of ours."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(program)
    return {**os.environ, "PYTHONPATH": f"{folder}{os.pathsep}{SOURCE}"}


def test_a_damaged_model_and_a_process_that_dies_or_hangs_do_not_load(project, tmp_path, environment):
    (tmp_path / "model").mkdir()
    taken, why = try_serving(tmp_path / "model", project, [], environment)
    assert taken == {"loads": 0.0, "size_mb": 0}
    assert why.endswith("not a complete model folder: abreast.json is missing")
    assert try_serving(project / "model", project, [], environment, limit=0.01)[1] == "it had not answered after 0 s"
    killed = beginning_with(tmp_path / "killed", "import os\nos.kill(os.getpid(), 9)\n")
    assert try_serving(project / "model", project, [], killed)[1] == "its process was ended by signal 9"
    ended = beginning_with(tmp_path / "ended", "raise SystemExit('no room\\nleft')\n")
    assert try_serving(project / "model", project, [], ended)[1] == "its process ended with 1: left"
    (result,) = judge_figure(SERVING[0], {"loads": Figure(candidate=0.0, why="it had no time")}, "candidate")
    assert result.reason == "loads: measured 0, needed at least 1, champion none, it had no time"
    assert result.asks == "fail"


def asked(folder: Path, **kinds: str) -> Path:
    path = folder / "asked.json"
    path.write_text(json.dumps([{"question": text, "kind": kind} for kind, text in kinds.items()]))
    return path


def test_weights_that_are_no_numbers_are_refused(project, tmp_path, monkeypatch):
    import shutil

    from safetensors.torch import load_file, save_file

    monkeypatch.chdir(project)
    broken = Path(shutil.copytree("model", tmp_path / "model"))
    weights = load_file(broken / "adapter_model.safetensors")
    name = sorted(weights)[0]
    weights[name][0, 0] = float("nan")
    save_file(weights, broken / "adapter_model.safetensors", metadata={"format": "pt"})
    with pytest.raises(AbreastError, match=f"adapter_model.safetensors: {name} holds weights that are not finite"):
        probe.main([str(broken), str(asked(tmp_path, fact="value of a")), str(tmp_path / "result")])
    assert not (tmp_path / "result").exists()


def test_an_encoder_is_asked_by_the_heads_that_the_update_asks(tmp_path, monkeypatch):
    from tests.learning.tiny_encoder import write_tiny_encoder

    base = write_tiny_encoder(tmp_path / "base")
    (tmp_path / "params.yaml").write_text(f"model: {{base: {base}}}\n")
    two_heads(tmp_path / "model", base)
    monkeypatch.chdir(tmp_path)
    questions = asked(tmp_path, classification="the lion ran", regression="the cat sat")
    probe.main(["model", str(questions), "result"])
    taken = json.loads(Path("result").read_text())
    assert set(taken) == {"load_seconds", "answer_seconds", "memory_mb"}
    with pytest.raises(AbreastError, match="this model has heads for classification, regression"):
        probe.main(["model", str(asked(tmp_path, tagging="the cat sat")), "result"])


def test_a_few_questions_of_each_kind_are_asked_and_one_that_no_record_asks():
    facts = [question(f"k{number}", "1.0") for number in range(10)]
    raw = question("t", "all of it", kind="text")
    label = question("l", "yes", kind="classification", asked="is it?")
    assert smoke_questions([*facts, raw, label]) == [
        {"question": "value of k0", "kind": "fact"},
        {"question": "value of k3", "kind": "fact"},
        {"question": "value of k6", "kind": "fact"},
        {"question": probe.FOREIGN, "kind": "fact"},
        {"question": "is it?", "kind": "classification"},
        {"question": probe.FOREIGN, "kind": "classification"},
    ]
    assert smoke_questions([raw]) == []
