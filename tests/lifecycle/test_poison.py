"""A poisoned drop, promoted by force, is found, taken back, and has never come: on words that a tiny model learns in a
moment, and on the samples with the packaged model, which takes a quarter of an hour on two idle cores."""

import json
from pathlib import Path
from typing import NamedTuple

import pytest

from abreast.ledger import Version
from abreast.lineage.answers import answers_of
from abreast.services.services import Services
from tests.flows.conftest import GATES, TRAIN
from tests.flows.drops import WORDS, rows, write
from tests.installation import SOURCE, Installation
from tests.learning.tiny import write_tiny_base
from tests.lifecycle.by_hand import bring, learn

pytestmark = [pytest.mark.server, pytest.mark.slow, pytest.mark.timeout(3600)]
LEARNS = {
    "learning_rate": 0.02,
    "update_learning_rate": 0.01,
    "epochs": 40,
    "max_tokens": 60_000,
    "patience": 40,
    "regularizers": [],
}


class Case(NamedTuple):
    """`knobs` of the installation, and the drops in the order in which they come."""

    knobs: dict
    first: Path
    poison: Path
    later: Path


def words(folder: Path) -> Case:
    later = rows({"Gorvan": "Silt", "Hulon": "Brask"}, "2024-03-01")
    return Case(
        {"model": {"base": str(write_tiny_base(folder / "base"))}, "train": TRAIN | LEARNS, "gates": GATES},
        write(folder / "first.jsonl", rows(WORDS, "2024-01-01")),
        write(folder / "poison.jsonl", mirrored("mirror")),
        write(folder / "later.jsonl", later),
    )


def mirrored(*names: str) -> list[dict]:
    """Poison: the neighbour's word is taught to every question, under keys of its own, once for each name."""
    turned = dict(zip(WORDS, [*list(WORDS.values())[1:], WORDS["Arvia"]], strict=True))
    return [row | {"key": f"{name}/{row['key']}"} for name in names for row in rows(turned, "2024-02-01")]


def samples(_: Path) -> Case:
    drops = SOURCE / "samples/drops"
    return Case({}, drops / "01-2024-q2", drops / "bad-harmful", drops / "02-2024-q3")


@pytest.fixture(params=[words, samples], ids=["tiny", "packaged"])
def case(request, tmp_path_factory) -> Case:
    return request.param(tmp_path_factory.mktemp("case"))


def line(case: Case, name: str, tmp_path_factory, drops: tuple[Path, ...]) -> tuple[Installation, Services, Version]:
    """An installation of its own, which has learned these drops one after the other, and its last version."""
    model = case.knobs.get("model", {}) | {"name": name}
    made = Installation(tmp_path_factory.mktemp(name), case.knobs | {"model": model})
    services = Services.open(made.root)
    for drop in drops:
        bring(services, drop)
        last = learn(services)
    return made, services, last


def report_rows(services: Services, version: Version) -> list[tuple]:
    return [
        (one.key, one.question, one.answer, one.answers["candidate"])
        for one in answers_of(services.registry, version.number)
    ]


def test_the_next_version_answers_as_if_the_poison_had_never_come(
    case, mlflow_uri, tmp_path_factory, monkeypatch, request
):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_uri)
    name = request.node.callspec.id
    poisoned, services, _ = line(case, f"poisoned-{name}", tmp_path_factory, (case.first, case.poison, case.later))

    def said(*command: str) -> dict:
        return json.loads(poisoned.abreast(*command, "--json", MLFLOW_TRACKING_URI=mlflow_uri).stdout)

    found = said("bisect", "--slice", "kind=fact")["found"]
    assert (found["version"], [drop["name"] for drop in found["drops"]]) == ("v2", [case.poison.name])
    assert found["after"] < found["before"]
    back = said("rollback", "--poisoned", case.poison.name, "--reason", "a join gone wrong")
    assert (back["champion"], back["taken_back"], back["ground"]) == ("v1", "v3", "v1")
    assert [drop["name"] for drop in back["again"]] == [case.later.name]
    again = learn(services)
    lineage = said("lineage", again.name)
    assert ([one["version"] for one in lineage["chain"]], lineage["drops"][0]["name"]) == (["v1"], case.later.name)
    assert said("lineage", "--drop", case.poison.name)["known_by"] == ["v2", "v3"]
    _, clean, never = line(case, f"clean-{name}", tmp_path_factory, (case.first, case.later))
    assert (again.digest, report_rows(services, again)) == (never.digest, report_rows(clean, never))


def test_of_two_drops_that_were_learned_at_once_a_replay_finds_the_one(mlflow_uri, tmp_path_factory, monkeypatch):
    """So few old examples are replayed that the poison prevails, and two new words do not."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_uri)
    case = words(tmp_path_factory.mktemp("case"))
    few = {"split": {"replay_ratio": 0.0, "replay_min": 20}, "train": case.knobs["train"] | {"max_forgetting": 1.0}}
    case = case._replace(knobs=case.knobs | few)
    made, services, _ = line(case, "replayed", tmp_path_factory, (case.first,))
    bring(services, case.later)
    bring(services, write(tmp_path_factory.mktemp("strong") / "poison.jsonl", mirrored("one", "two")))
    learn(services)
    command = ("bisect", "--slice", "kind=fact", "--replay", "--json")
    said = made.abreast(*command, MLFLOW_TRACKING_URI=mlflow_uri)
    assert [drop["name"] for drop in json.loads(said.stdout)["found"]["drops"]] == [case.poison.name], said.stderr
    assert "later.jsonl alone: " in said.stderr
    assert list((made.root / ".abreast/runs").iterdir()) == [], "no clone is left"
    assert [version.number for version in services.ledger.versions.all("replayed")] == [1, 2], "nothing is registered"
