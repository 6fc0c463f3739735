"""The loop on real servers: deliver, learn, refuse, be killed, go on. The tests build on each other, in this order."""

import json
import os
import re
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import psutil
import pytest

from abreast.cli.status import status_of
from abreast.core.errors import AbreastError
from abreast.lifecycle.intake import arrivals
from abreast.services.doctor import CHECKS
from abreast.services.prefect_api import FINAL_STATES, PrefectApi
from abreast.services.services import Services
from abreast.tracking.review_page import ASKED
from tests.flows.drops import WORDS, other_kinds, rows, write
from tests.installation import Installation

pytestmark = pytest.mark.server
PATIENCE = 480
"""Seconds; longer than the 300 after which the sweep takes what an event missed."""


def until(true: Callable[[], object], what: str) -> object:
    """What `true` returns as soon as it is true."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if found := true():
            return found
        time.sleep(0.2)  # each look asks the servers that do the work
    raise AssertionError(f"{what}: not within {PATIENCE} s")


def services(loop: Installation) -> Services:
    return Services.open(loop.root)


def settled(loop: Installation) -> bool:
    status = status_of(services(loop))
    return status["waiting"] == 0 and status["running"] == 0


def learned(loop: Installation, drops: int) -> None:
    """Wait until so many drops were accepted and nothing is to be done any more."""

    def all_learned() -> bool:
        return len(services(loop).ledger.drops.all("accepted")) == drops and settled(loop)

    until(all_learned, f"{drops} drops are learned")


def checkpoints(loop: Installation) -> list[Path]:
    """The complete checkpoints of the training that goes on."""
    return list((loop.root / ".abreast/checkpoints").glob("*/[0-9]*/state.json"))


def trainer_at_work(loop: Installation) -> psutil.Process:
    """Wait until a training has written a checkpoint, and find its process."""
    until(lambda: checkpoints(loop), "a checkpoint is there")
    for process in psutil.process_iter(["cmdline", "cwd"]):
        inside = str(process.info["cwd"] or "").startswith(str(loop.root))
        if inside and "abreast.learning.trainer.train" in (process.info["cmdline"] or []) and not ended(process):
            return process
    raise AssertionError("a checkpoint is there, but no trainer")


def ended(process: psutil.Process) -> bool:
    """Whether a process runs no more; where nobody reaps it, it stays behind as a zombie."""
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def recorded(loop: Installation, what: str, **filters: object) -> list[dict]:
    """What Prefect has recorded of `what`, such as `artifacts`; a busy server is asked again."""

    def answer() -> httpx.Response | None:
        found = httpx.post(
            f"{services(loop).project.prefect_api}/{what}/filter", json=filters | {"limit": 200}, timeout=60
        )
        return found if found.is_success else None

    return until(answer, f"Prefect tells its {what}").json()


def test_a_drop_is_learned_and_promoted(loop: Installation, tmp_path: Path):
    first = write(tmp_path / "first.jsonl", rows(WORDS, "2024-01-01"))
    learned = loop.json("drop", str(first), "--wait")
    assert learned["outcome"] == "accepted"
    (version,) = loop.json("history")
    assert (version["version"], version["verdict"], version["aliases"]) == ("v1", "pass", ["champion"])
    assert version["drops"] == [learned["digest"]]
    assert set(version["metrics"]) >= {"current_exact_match", "stale_rate", "general_perplexity"}
    assert services(loop).registry.aliases() == {"champion": 1}
    asked = loop.json("ask", "Latest release of Arvia 1?")
    assert asked["version"] == "v1"
    assert asked["answer"]


def test_the_sweep_is_planned_by_itself(loop: Installation):
    """By Prefect's own scheduler: that of 3.8.8 plans nothing with SQLAlchemy 2.1."""
    prefect = PrefectApi(services(loop).project.prefect_api)
    until(lambda: prefect.next_run("sweep"), "Prefect plans a sweep")
    assert CHECKS["sweep"](services(loop))[0] == "ok"
    assert prefect.next_run("rollback") is None


def test_the_card_of_a_version_is_told_written_and_given_to_scripts(loop: Installation, tmp_path: Path):
    said = loop.abreast("card", "v1").stdout
    assert said.startswith("# v1 of abreast\n\n## Verdict: pass\n")
    assert "first.jsonl" in said
    loop.abreast("card", "v1", "--html", str(tmp_path / "v1.html"))
    assert "data:image/png;base64,iVBORw0KGgo" in (tmp_path / "v1.html").read_text()
    page = loop.json("card", "v1")
    assert (page["version"], page["verdict"]["verdict"], page["data"]["lost"]["count"]) == ("v1", "pass", 0)


def test_the_promotion_is_a_tag_on_which_repro_is_a_no_op(loop: Installation, tmp_path: Path):
    clone = tmp_path / "clone"
    loop.git("clone", "--quiet", str(loop.root), str(clone))
    loop.git("-C", str(clone), "checkout", "--quiet", "model/v1")
    remote = str(loop.root / ".abreast/remote")
    loop.run("dvc", "--cd", str(clone), "remote", "modify", "--local", "store", "url", remote)
    said = loop.run("dvc", "--cd", str(clone), "repro", "--pull").stdout
    assert "Data and pipelines are up to date." in said
    assert "Running stage" not in said
    assert (clone / "model/abreast.json").exists()


def test_the_working_tree_of_the_user_is_not_touched(loop: Installation):
    assert loop.git("status", "--porcelain") == ""
    assert loop.git("branch", "--show-current") == "main"


def test_the_same_content_is_learned_once(loop: Installation, tmp_path: Path):
    lines = rows(WORDS, "2024-01-01")
    again = write(tmp_path / "again.jsonl", lines)
    write(tmp_path / "split/a.jsonl", lines[3:])
    write(tmp_path / "split/b.jsonl", lines[:3])
    for path, name in ((again, "first.jsonl"), (again, "renamed.jsonl"), (tmp_path / "split", "split")):
        loop.abreast("drop", str(path), "--name", name)
    until(lambda: len(services(loop).ledger.deliveries.all()) == 3 and settled(loop), "the deliveries are taken")
    assert {d.outcome for d in services(loop).ledger.deliveries.all()[1:]} == {"duplicate"}
    assert len(loop.json("history")) == 1
    assert loop.json("status")["accepted"] == 1


def test_twenty_drops_in_ten_seconds_need_at_most_two_updates_and_a_malformed_one_is_quarantined(
    loop: Installation, tmp_path: Path
):
    ledger = services(loop).ledger
    before, accepted = len(ledger.updates.all("abreast")), len(ledger.drops.all("accepted"))
    broken = [*rows({"Xenor": "Bluk"}, "2024-01-02"), '{"key": "half', {"key": "a/b", "value": 3, "as_of": "soon"}]
    loop.deliver(write(tmp_path / "broken.jsonl", broken))
    for number in range(20):
        loop.deliver(write(tmp_path / f"many-{number}.jsonl", rows({f"Nova{number}": f"w{number}"}, "2024-02-01")))
    learned(loop, accepted + 20)
    made = ledger.updates.all("abreast")[before:]
    assert len(made) <= 2
    assert sum(len(update.drops) for update in made) == 20
    assert {update.status for update in made} == {"promoted"}
    (refused,) = ledger.drops.all("quarantined")
    reasons = "\n".join(refused.reasons)
    assert "broken.jsonl" in reasons
    assert "row 2" in reasons
    assert "row 3" in reasons
    assert (loop.root / ".abreast/quarantine" / refused.digest / "reasons.jsonl").exists()


def test_a_delivery_that_differs_from_its_manifest_holds_up_no_other(loop: Installation, tmp_path: Path):
    torn = loop.root / ".abreast/inbox/aaa-torn"
    write(torn / "rows.jsonl", rows({"Xenor": "Bluk"}, "2024-01-02"))
    manifest = {"files": [{"name": "rows.jsonl", "sha256": "0" * 64}]}
    (torn / "manifest.json").write_text(json.dumps(manifest))
    again = loop.json(
        "drop", str(write(tmp_path / "again.jsonl", rows(WORDS, "2024-01-01"))), "--name", "z.jsonl", "--wait"
    )
    assert again["outcome"] == "duplicate"
    assert [delivery.name for delivery in arrivals(services(loop).ledger, services(loop).inbox)] == ["aaa-torn"]

    def said() -> bool:
        runs = recorded(loop, "flow_runs", flows={"name": {"any_": ["intake"]}})
        messages = [run["state"]["message"] or "" for run in runs if run["state"]["type"] == "FAILED"]
        return any(
            "aaa-torn was not taken" in message and "rows.jsonl: sha256 differs" in message for message in messages
        )

    until(said, "the run names the delivery")
    shutil.rmtree(torn)


def test_a_refused_candidate_leaves_the_champion(loop: Installation, tmp_path: Path):
    gates = loop.knobs()["gates"]
    loop.set_knobs({"gates": [gate | {"at_least": 1.0} for gate in gates]})
    champion = loop.json("status")["champion"]
    drop = write(tmp_path / "hard.jsonl", rows({"Hulon": "qZx81Lw0pRt7", "Ibren": "mK92xV4bNc6s"}, "2024-02-01"))
    learned = loop.json("drop", str(drop), "--wait")
    last = loop.json("history")[-1]
    assert last["verdict"] == "fail"
    assert last["aliases"] == []
    assert any("needed at least 1" in r and "measured" in r and "champion" in r for r in last["reasons"])
    assert loop.json("status")["champion"] == champion
    assert services(loop).ledger.updates.get(learned["update"]).status == "refused"
    loop.set_knobs({"gates": gates})


@pytest.mark.usefixtures("long_training")
def test_a_killed_trainer_and_then_a_killed_update_go_on_where_they_were(loop: Installation, tmp_path: Path):
    log = loop.root / ".abreast/logs/worker.log"
    before = len(log.read_text())
    loop.abreast("drop", str(write(tmp_path / "killed.jsonl", rows({"Jarmo": "Wint", "Kelph": "Dosk"}, "2024-03-01"))))
    first = trainer_at_work(loop)
    first.kill()
    assert checkpoints(loop), "killed with a checkpoint left"
    until(lambda: "resumed at step" in log.read_text()[before:], "the stage is run again")
    second, cut_off = trainer_at_work(loop), services(loop).ledger.updates.live("abreast")
    assert (second.pid != first.pid, cut_off.attempt) == (True, 1)
    os.kill(cut_off.holder.pid, signal.SIGKILL)
    until(lambda: ended(second), "the trainer ends with its update")
    assert checkpoints(loop), "killed with a checkpoint left"
    status = loop.json("status")
    # The sweep, which comes every 300 s, may have been quicker than this test.
    assert (status["waiting"], status["running"]) in ((1, 0), (0, 1))
    assert loop.json("update")["state"] == "Completed"
    resumed = services(loop).ledger.updates.get(cut_off.id)
    assert (resumed.status, resumed.drops, resumed.attempt) == ("promoted", cut_off.drops, 2)
    said = log.read_text()[before:]
    steps = [int(step) for step in re.findall(r"resumed at step (\d+)", said)]
    assert 0 < steps[0] <= steps[1]
    assert said.count("assemble: done") == 1
    *before_them, refused, last = [version["verdict"] for version in loop.json("history")]
    assert (set(before_them), refused, last) == ({"pass"}, "fail", "pass")


def test_twenty_objects_of_every_kind_put_into_a_bucket_need_at_most_two_updates(
    loop: Installation, tmp_path: Path, s3
):
    bucket, ledger = s3.new_bucket(), services(loop).ledger
    places = {"intake": {"inbox": f"s3://{bucket}/inbox", "endpoint": s3.endpoint, "poll_seconds": 2.0}}
    loop.set_knobs(places | {"storage": {"remote": f"s3://{bucket}/remote", "endpoint": s3.endpoint}})
    loop.run("supervisorctl", "-c", str(loop.root / ".abreast/supervisor.conf"), "restart", "watcher")
    before, accepted = len(ledger.updates.all("abreast")), len(ledger.drops.all("accepted"))
    bodies = [other_kinds(40), *(rows({f"Orba{number}": f"x{number}"}, "2024-06-01") for number in range(1, 20))]
    for number, lines in enumerate(bodies):
        body = write(tmp_path / "body", lines).read_bytes()
        s3.client.put_object(Bucket=bucket, Key=f"inbox/many-{number}.jsonl", Body=body)
    learned(loop, accepted + 20)
    made = ledger.updates.all("abreast")[before:]
    assert len(made) <= 2
    assert sum(len(update.drops) for update in made) == 20
    assert {update.status for update in made} == {"promoted"}
    kept = s3.client.list_objects_v2(Bucket=bucket, Prefix="remote/files/md5/")["KeyCount"]
    assert kept >= 20
    versions = [row["version"] for row in loop.json("history")[-len(made) :]]
    figures = [new_figures(loop, version) for version in versions]
    kinds = {"classification", "tagging", "regression", "instruction", "text"}
    assert any(kinds <= found.keys() and found["text"] == "perplexity" for found in figures), figures


def new_figures(loop: Installation, version: str) -> dict[str, str]:
    """By kind, the name of the first figure that a version's page in MLflow gives for its new records."""
    page = httpx.get(
        f"{services(loop).project.mlflow_uri}/api/2.0/mlflow/model-versions/get",
        params={"name": "abreast", "version": version[1:]},
        timeout=60,
    ).json()["model_version"]["description"]
    return dict(re.findall(r"^\| (\w+), new \([1-9]\d*\): ([\w ]+\w)\s", page, re.MULTILINE))


def test_every_stage_is_a_task_run_and_results_are_artifacts(loop: Installation):
    stages = {"assemble", "validate", "split", "train", "evaluate"}
    # Prefect writes task runs down a little after they end.
    until(lambda: _names(recorded(loop, "task_runs", task_runs={"name": {"any_": [*stages]}})) == stages, "task runs")
    artifacts = recorded(loop, "artifacts")
    assert {
        ("results", "table"),
        ("retention", "image"),
        ("matrix", "image"),
        ("verdict", "markdown"),
        ("card", "markdown"),
    } <= {(artifact["key"], artifact["type"]) for artifact in artifacts}
    image = next(artifact["data"] for artifact in artifacts if artifact["type"] == "image")
    assert httpx.get(image, timeout=60).content.startswith(b"\x89PNG")


def _names(runs: list[dict]) -> set[str]:
    return {run["name"] for run in runs}


def test_a_rollback_returns_to_what_served_before(loop: Installation, s3):
    champion = loop.json("status")["champion"]
    taken = loop.json("rollback", "--reason", "a test")
    assert taken["taken_back"] == champion
    assert loop.json("status")["champion"] == taken["champion"]
    assert services(loop).registry.aliases()["champion"] == int(taken["champion"][1:])


def test_what_waits_for_review_is_answered_in_mlflow_and_decided_by_prefects_form(
    loop: Installation, tmp_path: Path, s3
):
    loop.set_knobs({"review": {"require_approval": True}})
    before, opened = loop.json("status")["champion"], services(loop)
    loop.json("drop", str(write(tmp_path / "reviewed.jsonl", rows({"Quorl": "Brint"}, "2024-07-01"))), "--wait")
    status, last = loop.json("status"), loop.json("history")[-1]
    assert (status["champion"], status["review"]) == (before, [last["version"]])
    assert (last["verdict"], last["status"], last["aliases"]) == ("pass", "review", [])
    assert f"model/{last['version']}" in loop.git("tag", "--list")
    number, api = int(last["version"][1:]), PrefectApi(opened.project.prefect_api)

    opened.registry._tag(number, ASKED, "yes")
    api.start("sweep/sweep")
    until(lambda: opened.registry.asked_reviews()[number][1], "the sweep answers the tag")
    assert opened.registry.asked_reviews()[number][1].startswith('"yes": not understood; write `approve: your reason`')

    form = {"version": last["version"], "decision": "approve", "reason": "read it", "reviewer": "ann"}
    with pytest.raises(AbreastError, match="'maybe' is not one of"):
        api.start("promote/promote", form | {"decision": "maybe"})
    run = api.start("promote/promote", form)
    until(lambda: api.state(run)["type"] in FINAL_STATES, "the form is carried out")
    assert (api.state(run)["name"], api.state(run)["message"]) == ("Promoted", f"{last['version']} went into service")
    assert loop.json("status")["champion"] == last["version"]
    (row,) = loop.json("show", last["version"])["reviews"]
    assert (row["decision"], row["reviewer"], row["reason"], row["door"]) == ("approve", "ann", "read it", "prefect")
