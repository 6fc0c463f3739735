"""Bad inputs and missing parts: each ends in one line that says what is wrong and what would be right."""

import json
import socket
from pathlib import Path

import pytest
import yaml

from tests.installation import Installation


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory, prefork: None) -> Installation:
    return Installation(tmp_path_factory.mktemp("installation"), {})


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, prefork: None) -> Installation:
    """All stages before the training are done."""
    made = Installation(tmp_path_factory.mktemp("desk"), {})
    made.dvc("repro", "split")
    return made


def refusal(installation: Installation, *command: str, **env: str) -> str:
    """The one line of a refused command."""
    done = installation.invoke(*command, **env)
    assert done.exit_code == 2, done.output
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("error: ")
    return line


@pytest.mark.parametrize(
    ("section", "knob", "value", "message"),
    [
        ("train", "step_size", 0.1, "unknown knob `train.step_size`"),
        ("trian", "learning_rate", 0.1, "unknown knob `trian` (did you mean `train`?)"),
        ("train", "learning_rate", "fast", "knob `train.learning_rate` is 'fast'"),
        ("train", "epochs", 2.5, "knob `train.epochs` is 2.5"),
        ("train", "learning_rate", -1.0, "knob `train.learning_rate` is -1.0: input should be greater than 0"),
        ("services", "mlflow_port", 99999, "knob `services.mlflow_port` is 99999"),
    ],
)
def test_a_bad_knob_is_named(tmp_path: Path, installation: Installation, section, knob, value, message):
    knobs = yaml.safe_load((installation.root / "params.yaml").read_text())
    knobs.setdefault(section, {})[knob] = value
    installation.git("init", "--quiet", str(tmp_path))
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(knobs))
    line = refusal(installation, "status", ABREAST_PROJECT=str(tmp_path))
    assert f"{tmp_path}/params.yaml: {message}" in line


def test_not_a_git_repository(tmp_path: Path, installation: Installation):
    assert "not a git repository" in refusal(installation, "status", ABREAST_PROJECT=str(tmp_path))


def test_a_refusal_is_the_status_and_the_one_line_of_the_process(tmp_path: Path, installation: Installation):
    done = installation.abreast("status", check=False, ABREAST_PROJECT=str(tmp_path))
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert done.stderr.startswith("error: ")


def test_no_such_project(tmp_path: Path, installation: Installation):
    assert "no such folder" in refusal(installation, "status", ABREAST_PROJECT=str(tmp_path / "gone"))


def test_a_taken_port_is_named_with_its_knob(installation: Installation):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", installation.port))
        taken.listen()
        line = refusal(installation, "up")
    assert f"port {installation.port} on 127.0.0.1 is taken" in line
    assert "services.prefect_port" in line


def test_prefect_unreachable(installation: Installation):
    line = refusal(installation, "update")
    assert f"Prefect does not answer at http://127.0.0.1:{installation.port}/api" in line
    assert "abreast up" in line


def test_mlflow_unreachable(installation: Installation):
    line = refusal(installation, "sweep")
    assert "MLflow" in line
    assert "abreast up" in line


def test_a_dirty_working_tree_is_reported_and_not_used(installation: Installation):
    params = installation.root / "params.yaml"
    before = params.read_text()
    params.write_text(before + "\n# edited\n")
    try:
        line = refusal(installation, "update")
        doctor = installation.invoke("doctor", "--json")
    finally:
        params.write_text(before)
    assert "uncommitted changes in params.yaml" in line
    assert "--allow-dirty" in line
    tree = next(check for check in json.loads(doctor.stdout) if check["name"] == "working tree")
    assert (tree["state"], "params.yaml" in tree["finding"]) == ("warn", True)


def test_no_such_drop(installation: Installation, tmp_path: Path):
    assert f"{tmp_path}/none.jsonl: no such file or folder" in refusal(
        installation, "drop", str(tmp_path / "none.jsonl")
    )


def test_no_champion_yet(installation: Installation):
    assert "has no champion yet" in refusal(installation, "ask", "What?")


def test_no_such_version(installation: Installation):
    assert "no version v7" in refusal(installation, "show", "v7")
    assert "no version v7" in refusal(installation, "card", "v7")
    assert "'latest' names no version" in refusal(installation, "show", "latest")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("approve", "v7", "--reason", "good"), "no version v7"),
        (("reject", "latest", "--reason", "bad"), "'latest' names no version"),
        (("reject", "v7", "--reason", " "), "a review needs a reason"),
        (("approve", "v7"), "Missing option '--reason'"),
    ],
)
def test_a_review_of_nothing_or_without_a_reason(installation: Installation, arguments, message):
    done = installation.invoke(*arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert message in done.stderr


def test_drift_of_nothing(installation: Installation, tmp_path: Path):
    log = tmp_path / "log.jsonl"
    log.write_text('{"question": "What?"}\n')
    assert "name a drop, or a log of questions" in refusal(installation, "drift")
    assert "not both" in refusal(installation, "drift", "x", "--live", str(log))
    assert f"{tmp_path}/gone.jsonl: no such drop, file or folder" in refusal(
        installation, "drift", str(tmp_path / "gone.jsonl")
    )
    assert "has no champion yet" in refusal(installation, "drift", "--live", str(log))


def test_nothing_to_roll_back_to(installation: Installation):
    refusal(installation, "rollback", "--reason", "a test")


@pytest.mark.parametrize(
    ("base", "message"),
    [("packaged:gpt-9", "model.base"), ("/no/such/folder", "/no/such/folder"), ("no-such-org/no-such-model", "model")],
)
def test_a_missing_model_stops_the_stage_that_needs_it(desk: Installation, base: str, message: str):
    desk.set_knobs({"model": {"base": base}})
    done = desk.run("dvc", "repro", "train", check=False, HF_HUB_OFFLINE="1")
    assert done.returncode != 0
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    assert message in line


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("rollback --poisoned none --reason x", "no drop 'none'; give a name or the beginning of a digest"),
        ("rollback --poisoned none --leaving v1 --reason x", "give --leaving or --poisoned, not both"),
        ("rollback --leaving latest --reason x", "'latest' names no version"),
        ("reinstate none --reason x", "no drop 'none'"),
        ("bisect", "give one of --slice, --drop and --key, not none"),
        ("bisect --key a --drop b", "give one of --slice, --drop and --key, not --drop and --key"),
        ("bisect --slice red", "--slice 'red': must be one of kind, domain, source, language, then = and a name"),
        ("bisect --key a", "has no champion yet"),
        ("lineage", "give one of a version such as v3, --drop and --key"),
        ("lineage v1 --key a", "give one of a version such as v3, --drop and --key"),
        ("lineage v7", "no version v7"),
        ("lineage --drop none", "no drop 'none'"),
        ("lineage --key none", "no version was taught anything of key 'none'"),
        ("reproduce latest", "'latest' names no version"),
        ("reproduce v7", "no version v7"),
    ],
)
def test_a_rollback_or_trace_of_what_does_not_exist(installation: Installation, command: str, message: str):
    assert message in refusal(installation, *command.split())
