"""Everything that Prefect gets, in one place: a changed deployment, parameter or task shows here."""

import inspect

import pytest
import yaml
from prefect import Flow

from flows.intake import intake
from flows.promote import promote
from flows.rollback import rollback
from flows.sweep import sweep
from flows.update import update
from tasks.update import DRIFT_AFTER
from tests.installation import SOURCE

FLOWS = {flow.name: flow for flow in (intake, update, promote, rollback, sweep)}
DEPLOYMENTS = {d["name"]: d for d in yaml.safe_load((SOURCE / "prefect.yaml").read_text())["deployments"]}
SNAPSHOT = {
    "intake": {"queue": "cpu", "parameters": [], "started by": ["abreast.drop.arrived"]},
    "update": {"queue": "gpu", "parameters": [], "started by": []},
    "promote": {"queue": "cpu", "parameters": ["version", "decision", "reason", "reviewer", "force"], "started by": []},
    "rollback": {"queue": "cpu", "parameters": ["reason", "poisoned", "leaving"], "started by": []},
    "sweep": {"queue": "cpu", "parameters": [], "started by": ["every 300 s"]},
}


def declared(name: str) -> dict:
    deployment = DEPLOYMENTS[name]
    events = [event for trigger in deployment.get("triggers", []) for event in trigger["expect"]]
    intervals = [f"every {schedule['interval']} s" for schedule in deployment.get("schedules", [])]
    return {
        "queue": deployment["work_pool"]["work_queue_name"],
        "parameters": list(inspect.signature(FLOWS[name].fn).parameters),
        "started by": events + intervals,
    }


def test_the_definitions_are_these():
    assert {name: declared(name) for name in DEPLOYMENTS} == SNAPSHOT


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_a_deployment_runs_its_flow_one_at_a_time(name: str):
    deployment = DEPLOYMENTS[name]
    path, function = deployment["entrypoint"].split(":")
    assert (SOURCE / path).is_file()
    assert isinstance(FLOWS[function], Flow)
    assert deployment["concurrency_limit"] == {"limit": 1, "collision_strategy": "ENQUEUE"}


def test_a_flow_restates_no_stage_of_the_pipeline():
    stages = yaml.safe_load((SOURCE / "dvc.yaml").read_text())["stages"]
    source = (SOURCE / "flows/update.py").read_text()
    assert not [stage for stage in stages if f'"{stage}"' in source]


def test_drift_is_shown_after_a_stage_of_the_pipeline_and_before_training():
    stages = list(yaml.safe_load((SOURCE / "dvc.yaml").read_text())["stages"])
    assert stages.index(DRIFT_AFTER) < stages.index("train")


def test_prefect_shows_a_form_for_a_reviewer():
    shown = promote.parameters
    assert shown.required == ["version", "decision", "reason", "reviewer"]
    assert shown.properties["decision"]["enum"] == ["approve", "reject"]
    assert all(len(field["description"]) > 20 for field in shown.properties.values())
