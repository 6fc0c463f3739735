"""The loop on real servers: deliver, learn, refuse, be killed, go on. The tests build on each other, in this order."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from abreast.project import Project
from tests.flows.drops import WORDS, rows, write
from tests.installation import Installation

pytestmark = pytest.mark.server
PATIENCE = 240


def until(true: Callable[[], object], what: str) -> object:
    """What `true` returns as soon as it is true."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if found := true():
            return found
        time.sleep(0.2)
    raise AssertionError(f"{what}: not within {PATIENCE} s")


def settled(loop: Installation) -> bool:
    status = loop.json("status")
    return status["waiting"] == 0 and status["running"] == 0


def process_of(loop: Installation, module: str) -> psutil.Process | None:
    """The running process of this installation whose command names `module`."""
    for process in psutil.process_iter(["cmdline", "cwd"]):
        inside = str(process.info["cwd"] or "").startswith(str(loop.root))
        if inside and module in (process.info["cmdline"] or []) and "-c" not in process.info["cmdline"]:
            return process
    return None


def project(loop: Installation) -> Project:
    return Project.open(loop.root)


def test_a_drop_is_learned_and_promoted(loop: Installation, tmp_path: Path):
    first = write(tmp_path / "first.jsonl", rows(WORDS, "2024-01-01"))
    learned = loop.json("drop", str(first), "--wait")
    assert learned["outcome"] == "accepted"
    (version,) = loop.json("history")
    assert (version["version"], version["verdict"], version["aliases"]) == ("v1", "pass", ["champion"])
    assert version["drops"] == [learned["digest"]]
    assert set(version["metrics"]) >= {"current_exact_match", "stale_rate", "general_perplexity"}
    assert project(loop).registry.aliases() == {"champion": 1}
    asked = loop.json("ask", "Latest release of Arvia 1?")
    assert asked["version"] == "v1"
    assert asked["answer"]


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
    until(lambda: len(project(loop).ledger.deliveries()) >= 3 and settled(loop), "the deliveries are taken")
    assert {d.outcome for d in project(loop).ledger.deliveries()[1:]} == {"duplicate"}
    assert len(loop.json("history")) == 1
    assert loop.json("status")["accepted"] == 1


def test_a_malformed_drop_is_quarantined_and_the_next_good_one_goes_on(loop: Installation, tmp_path: Path):
    broken = [*rows({"Xenor": "Bluk"}, "2024-01-02"), '{"key": "half', {"key": "a/b", "value": 3, "as_of": "soon"}]
    loop.abreast("drop", str(write(tmp_path / "broken.jsonl", broken)))
    good = loop.json("drop", str(write(tmp_path / "good.jsonl", rows({"Arvia": "Zzyl"}, "2024-02-01"))), "--wait")
    assert good["outcome"] == "accepted"
    (refused,) = project(loop).ledger.drops("quarantined")
    reasons = "\n".join(refused.reasons)
    assert "broken.jsonl" in reasons
    assert "row 2" in reasons
    assert "row 3" in reasons
    assert [v["version"] for v in loop.json("history")] == ["v1", "v2"]
    assert (loop.root / ".abreast/quarantine" / refused.digest / "reasons.jsonl").exists()


def test_a_refused_candidate_leaves_the_champion(loop: Installation, tmp_path: Path):
    loop.set_knobs({"gates": {"min_current": 1.0}})
    drop = write(tmp_path / "hard.jsonl", rows({"Hulon": "qZx81Lw0pRt7", "Ibren": "mK92xV4bNc6s"}, "2024-02-01"))
    learned = loop.json("drop", str(drop), "--wait")
    last = loop.json("history")[-1]
    assert last["verdict"] == "fail"
    assert last["aliases"] == []
    assert any("needed at least 1" in r and "measured" in r and "champion" in r for r in last["reasons"])
    assert loop.json("status")["champion"] == "v2"
    assert project(loop).ledger.update(learned["update"]).status == "refused"
    loop.set_knobs({"gates": {"min_current": 0.0}})


def test_a_killed_trainer_resumes_from_its_checkpoint(loop: Installation, tmp_path: Path):
    log = loop.root / ".abreast/logs/worker.log"
    before = len(log.read_text())
    loop.abreast("drop", str(write(tmp_path / "killed.jsonl", rows({"Jarmo": "Wint", "Kelph": "Dosk"}, "2024-03-01"))))
    until(lambda: list((loop.root / ".abreast/checkpoints").glob("*/*/*")), "a checkpoint is there")
    until(lambda: process_of(loop, "abreast.learning.train"), "the trainer runs").kill()
    until(lambda: len(loop.json("history")) == 4 and settled(loop), "the update ends")
    said = log.read_text()[before:]
    assert "resumed at step" in said
    assert said.count("assemble: done") == 1
    assert loop.json("history")[-1]["verdict"] == "pass"


def test_a_killed_update_is_taken_over_with_its_drops(loop: Installation, tmp_path: Path):
    loop.abreast("drop", str(write(tmp_path / "taken.jsonl", rows({"Lumor": "Fesk", "Mirta": "Gond"}, "2024-04-01"))))
    trainer = until(lambda: process_of(loop, "abreast.learning.train"), "the trainer runs")
    cut_off = project(loop).ledger.live("abreast")
    os.kill(cut_off.holder.pid, signal.SIGKILL)
    until(lambda: not trainer.is_running(), "the trainer ends with its update")
    assert loop.json("status")["waiting"] == 1
    assert loop.json("update")["state"] == "Completed"
    resumed = project(loop).ledger.update(cut_off.id)
    assert (resumed.status, resumed.drops) == ("promoted", cut_off.drops)
    assert len(loop.json("history")) == 5


def test_twenty_drops_in_ten_seconds_need_at_most_two_updates(loop: Installation, tmp_path: Path):
    before, accepted = len(project(loop).ledger.updates("abreast")), loop.json("status")["accepted"]
    for number in range(20):
        drop = write(tmp_path / f"many-{number}.jsonl", rows({f"Nova{number}": f"w{number}"}, "2024-05-01"))
        loop.deliver(drop)
    until(lambda: loop.json("status")["accepted"] == accepted + 20 and settled(loop), "all twenty are learned")
    made = project(loop).ledger.updates("abreast")[before:]
    assert len(made) <= 2
    assert sum(len(update.drops) for update in made) == 20
    assert {update.status for update in made} == {"promoted"}


def test_twenty_objects_put_into_a_bucket_need_at_most_two_updates(loop: Installation, tmp_path: Path, s3):
    bucket = s3.new_bucket()
    places = {"intake": {"inbox": f"s3://{bucket}/inbox", "endpoint": s3.endpoint, "poll_seconds": 2.0}}
    loop.set_knobs(places | {"storage": {"remote": f"s3://{bucket}/remote", "endpoint": s3.endpoint}})
    loop.run("supervisorctl", "-c", str(loop.root / ".abreast/supervisor.conf"), "restart", "watcher")
    before, accepted = len(project(loop).ledger.updates("abreast")), loop.json("status")["accepted"]
    for number in range(20):
        body = write(tmp_path / "body", rows({f"Orba{number}": f"x{number}"}, "2024-06-01")).read_bytes()
        s3.client.put_object(Bucket=bucket, Key=f"inbox/many-{number}.jsonl", Body=body)
    until(lambda: loop.json("status")["accepted"] == accepted + 20 and settled(loop), "all twenty are learned")
    made = project(loop).ledger.updates("abreast")[before:]
    assert len(made) <= 2
    assert {update.status for update in made} == {"promoted"}
    kept = s3.client.list_objects_v2(Bucket=bucket, Prefix="remote/files/md5/")["KeyCount"]
    assert kept >= 20


def test_every_stage_is_a_task_run_and_results_are_artifacts(loop: Installation):
    import httpx

    api = project(loop).prefect_api
    runs = httpx.post(f"{api}/task_runs/filter", json={"limit": 200}).json()
    assert {"assemble", "validate", "split", "train", "evaluate"} <= {run["name"] for run in runs}
    artifacts = httpx.post(f"{api}/artifacts/filter", json={"limit": 200}).json()
    assert {("results", "table"), ("retention", "image"), ("verdict", "markdown")} <= {
        (artifact["key"], artifact["type"]) for artifact in artifacts
    }
    image = next(artifact["data"] for artifact in artifacts if artifact["type"] == "image")
    assert httpx.get(image).content.startswith(b"\x89PNG")


def test_a_rollback_returns_to_what_served_before(loop: Installation, s3):
    champion = loop.json("status")["champion"]
    taken = loop.json("rollback", "--reason", "a test")
    assert taken["taken_back"] == champion
    assert loop.json("status")["champion"] == taken["champion"]
    assert project(loop).registry.aliases()["champion"] == int(taken["champion"][1:])
