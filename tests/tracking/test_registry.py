import time
import uuid

import httpx
import pytest

from abreast.core.errors import AbreastError, Unavailable
from abreast.learning.model_folder import model_digest
from abreast.reports.reports import read_reports
from abreast.tracking.registry import Registry
from abreast.tracking.retention_matrix import retention_of
from abreast.tracking.run_log import RunFacts
from tests.lifecycle.ledgers import LINE, claim, deliver, finished_run, killed_at, verdict

STEPS = 260  # with four series more values than MLflow takes in one call
POINTS = ["record.run", "record.logged", "record.model", "record.version", "record.card"]
PASSED = verdict(passed=True)


@pytest.fixture
def facts(ledger, tmp_path) -> RunFacts:
    deliver(ledger, "first", "second")
    update = claim(ledger)
    folder = finished_run(tmp_path / "clone", steps=STEPS)
    return RunFacts(
        update=update.id,
        commit="c" * 40,
        parent=update.parent,
        drops=tuple(ledger.drops.all()),
        snapshot="s" * 64,
        params={"train": {"learning_rate": 0.002}, "model": {"name": LINE}},
        folder=folder,
        model_digest=model_digest(folder / "model"),
        retention=retention_of([], read_reports(folder / "reports").by_drop),
    )


@pytest.fixture
def ledger_url(tmp_path):
    return f"sqlite:///{tmp_path}/ledger.db"


@pytest.fixture(params=["folder", pytest.param("server", marks=pytest.mark.server)])
def uri(request, local_mlflow, tmp_path) -> str:
    """Of both: a real server, and what stands in for it where the tests are of something else."""
    return request.getfixturevalue("mlflow_uri") if request.param == "server" else local_mlflow(tmp_path)


@pytest.fixture
def registry(uri, request) -> Registry:
    return Registry(uri, f"{request.node.originalname}-{uuid.uuid4().hex[:6]}")


@pytest.fixture
def client(registry):
    with registry._api.client() as client:
        yield client


def runs(client, registry):
    return client.search_runs([client.get_experiment_by_name(registry.name).experiment_id])


def test_a_run_holds_knobs_curve_measures_reports_and_data_hashes(registry, client, facts):
    assert registry.record_version(facts, PASSED).number == 1
    (run,) = runs(client, registry)
    assert run.info.status == "FINISHED"
    assert run.data.params == {"train.learning_rate": "0.002", "model.name": LINE}
    assert run.data.metrics["current_exact_match"] == 0.95
    assert run.data.metrics["base.general_perplexity"] == 30.0
    assert "retained_exact_match" not in run.data.metrics
    assert (
        run.data.tags.items()
        >= {
            "abreast.snapshot": "s" * 64,
            "abreast.commit": "c" * 40,
            "abreast.parent": "none",
            "abreast.version": "v1",
            **{f"abreast.drop.{drop.digest}": drop.name for drop in facts.drops},
        }.items()
    )
    curve = client.get_metric_history(run.info.run_id, "train.loss")
    assert [(point.step, point.value) for point in curve[:2]] == [(0, 3.0), (1, 1.5)]
    assert len(curve) == STEPS
    kept = {artifact.path for artifact in client.list_artifacts(run.info.run_id, "reports")}
    assert kept >= {"reports/answers.jsonl", "reports/metrics.json", "reports/retention.png", "reports/matrix.png"}
    assert run.data.metrics["average_accuracy"] == 0.5
    assert "forgetting" not in run.data.metrics


def test_a_version_holds_its_page_tags_and_verdict(registry, client, facts):
    version = registry.record_version(facts, PASSED).number
    known = client.get_model_version(registry.name, str(version))
    assert known.tags == {
        "abreast.update": "u0001",
        "abreast.digest": facts.model_digest,
        "abreast.parent": "none",
        "abreast.commit": "c" * 40,
        "abreast.verdict": "pass",
    }
    assert known.description.startswith("## Verdict: pass\n\nEvery gate lets it into service.\n\n| gate")
    assert known.description.count("### What arrived") == 1
    assert registry.aliases() == {}


def test_the_card_is_kept_beside_the_run_and_has_the_last_verdict(registry, client, facts, uri):
    for passed in (False, True):
        version, card = registry.record_version(facts, verdict(passed))
    page = registry.card(version)
    assert page == card, "nothing has to be fetched of what was just logged"
    assert (page.version, page.verdict, page.drops[0].name) == ("v1", verdict(True), "first")
    run = client.get_model_version(registry.name, "1").run_id
    kept = {artifact.path for artifact in client.list_artifacts(run, "reports")}
    assert kept >= {"reports/card.json", "reports/card.html", "reports/card.md"}
    texts = [registry.report(1, name) for name in ("card.html", "card.md")]
    assert texts == [registry.card_html(page), registry.card_markdown(page)]
    assert "data:image/png;base64,iVBORw0KGgo" in texts[0]
    assert registry.report_url(run, "card.md").startswith(f"{uri}/get-artifact?path=reports%2Fcard.md&run_uuid={run}")


def test_a_report_is_read_at_its_address(mlflow_uri, facts):
    registry = Registry(mlflow_uri, f"addressed-{uuid.uuid4().hex[:6]}")
    registry.record_version(facts, PASSED)
    assert httpx.get(registry.report_url(registry.run(1), "metrics.json"), timeout=60).json()["counts"] == {
        "current": 2
    }


def test_a_version_of_before_the_cards_has_none(registry, client):
    client.create_registered_model(registry.name)
    run = client.create_run(client.create_experiment(registry.name)).info
    client.create_model_version(registry.name, source=run.artifact_uri, run_id=run.run_id, description="the page")
    assert registry.card(1) is None


@pytest.mark.parametrize("point", POINTS)
def test_a_kill_at_any_point_is_completed_and_nothing_is_made_twice(registry, client, facts, monkeypatch, point):
    killed_at(point, lambda: registry.record_version(facts, PASSED), monkeypatch)
    assert registry.record_version(facts, PASSED).number == 1
    assert registry.record_version(facts, PASSED).number == 1
    (run,) = runs(client, registry)
    assert run.info.status == "FINISHED"
    assert len(client.get_metric_history(run.info.run_id, "train.loss")) == STEPS
    assert len(client.search_logged_models([run.info.experiment_id])) == 1
    assert len(client.search_model_versions(f"name = '{registry.name}'")) == 1
    registry.check(1, facts.model_digest)


def test_other_files_of_the_same_update_are_never_mixed_with_the_first(registry, facts, monkeypatch):
    killed_at("record.model", lambda: registry.record_version(facts, PASSED), monkeypatch)
    (facts.folder / "model" / "adapter_model.safetensors").write_bytes(b"trained again")
    again = facts.model_copy(update={"model_digest": model_digest(facts.folder / "model")})
    version = registry.record_version(again, PASSED).number
    registry.check(version, again.model_digest)
    with pytest.raises(AbreastError, match="v1 .* is u0001's, with other files"):
        registry.record_version(facts, PASSED)


def test_a_second_update_makes_a_second_version(registry, facts):
    assert registry.record_version(facts, PASSED).number == 1
    assert registry.record_version(facts.model_copy(update={"update": "u0002", "parent": 1}), PASSED).number == 2


def test_a_fetched_folder_is_the_registered_one_and_is_kept(registry, facts, tmp_path):
    version = registry.record_version(facts, PASSED).number
    folder = registry.fetch(version, facts.model_digest, tmp_path / "models")
    assert folder == tmp_path / "models" / facts.model_digest
    assert (folder / "parts" / "a b.json").read_text() == "{}"
    assert model_digest(folder) == facts.model_digest
    down = Registry("http://127.0.0.1:1", registry.name)
    assert down.fetch(version, facts.model_digest, tmp_path / "models") == folder


def test_a_damaged_copy_is_fetched_again(registry, facts, tmp_path):
    version = registry.record_version(facts, PASSED).number
    folder = registry.fetch(version, facts.model_digest, tmp_path)
    (folder / "abreast.json").write_text('{"base": "another"}')
    assert model_digest(registry.fetch(version, facts.model_digest, tmp_path)) == facts.model_digest


def test_files_that_were_changed_in_mlflow_are_refused(registry, client, facts, tmp_path):
    version = registry.record_version(facts, PASSED).number
    model = client.get_model_version(registry.name, str(version)).source.removeprefix("models:/")
    (tmp_path / "abreast.json").write_text('{"base": "another"}')
    client.log_model_artifact(model, str(tmp_path / "abreast.json"))
    with pytest.raises(AbreastError, match="v1 .* its files in MLflow have digest"):
        registry.fetch(version, facts.model_digest, tmp_path / "models")
    assert list((tmp_path / "models").glob("*")) == []
    with pytest.raises(AbreastError, match="v1 .* its files in MLflow have digest"):
        registry.check(version, facts.model_digest)
    with pytest.raises(AbreastError, match="in MLflow, 000 in the ledger"):
        registry.check(version, "000")


def test_aliases_are_set_and_taken_away(registry, facts):
    version = registry.record_version(facts, PASSED).number
    registry.set_alias("champion", version)
    assert registry.aliases() == {"champion": version}
    registry.set_alias("champion", None)
    registry.set_alias("champion", None)
    assert registry.aliases() == {}
    with pytest.raises(AbreastError, match="v9"):
        registry.set_alias("champion", 9)


def test_an_unknown_version_is_named(registry, facts, tmp_path):
    registry.record_version(facts, PASSED)
    with pytest.raises(AbreastError, match="MLflow has no v9"):
        registry.fetch(9, "0" * 64, tmp_path)


def test_a_server_that_is_down_is_named_within_seconds(facts):
    before = time.monotonic()
    with pytest.raises(Unavailable, match="http://127.0.0.1:1"):
        Registry("http://127.0.0.1:1", LINE).record_version(facts, PASSED)
    assert time.monotonic() - before < 3


@pytest.mark.parametrize(("report", "stage"), [("metrics.json", "evaluate"), ("curve.csv", "train")])
def test_a_missing_report_is_named_with_its_stage(registry, facts, report, stage):
    (facts.folder / "reports" / report).unlink()
    with pytest.raises(AbreastError, match=rf"{report}: not readable .*`{stage}`"):
        registry.record_version(facts, PASSED)
