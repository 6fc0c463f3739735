"""What must hold after a kill and the next run: the invariants of the design, each fault a line."""

import subprocess
from collections import Counter
from collections.abc import Iterator

import yaml

from abreast.knowledge.drop import read_drop
from abreast.lifecycle.intake import store_of
from abreast.services.services import Services
from abreast.storage.dvc_cache import REMOTE, Pointer, is_whole, opened
from abreast.tracking.mlflow_api import MlflowApi
from benchmarks.crash_site import FIRST, SECOND, Site

LINE = "abreast"


def of_update(site: Site, digest: str) -> list[str]:
    """v2 serves, with the files that it has without a kill, and everything was done once."""
    services = site.services
    found = [*_serving(services, (1, 2)), *_once(services, 2), *_recorded(services, 2), *_stored(site, "model/v2")]
    if not found and (made := services.ledger.versions.get(LINE, 2).digest) != digest:
        found.append(f"v2 has the digest {made[:12]}, without a kill {digest[:12]}")
    return [*found, *_left(services)]


def of_first_update(site: Site, digest: str) -> list[str]:
    """v1 serves, and everything was done once."""
    services = site.services
    found = [*_serving(services, (1,)), *_once(services, 1), *_recorded(services, 1), *_stored(site, "model/v1")]
    return [*found, *_left(services)]


def of_intake(site: Site, digest: str) -> list[str]:
    """The drop was accepted once, all of it is in the remote, it waits, and one update was asked for."""
    services = site.services
    accepted = services.ledger.drops.all("accepted")
    found = list(_serving(services, (1,)))
    if [drop.accepted for drop in accepted] != [len(FIRST), len(SECOND)]:
        return [*found, f"accepted are {[(drop.name, drop.accepted) for drop in accepted]}"]
    new, store = accepted[1], store_of(services.project)
    if services.ledger.updates.waiting(LINE) != [new]:
        found.append(f"waiting are {[drop.name for drop in services.ledger.updates.waiting(LINE)]}, not the new drop")
    if not _whole(services, services.project.home.drops, new.pointer):
        found.append("the drop is not whole in the remote")
    if store.info(new.digest).digest != new.digest or len(
        read_drop(services.project.home.drops / new.digest)[1]
    ) != len(SECOND):
        found.append("the kept drop is another")
    scheduled = site.runs(flows={"name": {"any_": ["update"]}}, flow_runs={"state": {"type": {"any_": ["SCHEDULED"]}}})
    if len(scheduled) != 1:
        found.append(f"{len(scheduled)} updates were asked for")
    return [*found, *_delivered(services, 2), *_left(services)]


def of_quarantine(site: Site, digest: str) -> list[str]:
    """The bad drop lies in quarantine once, whole, and nothing waits."""
    services = site.services
    refused = services.ledger.drops.all("quarantined")
    found = [*_serving(services, (1,)), *_delivered(services, 2), *_left(services)]
    if len(refused) != 1 or not refused[0].reasons:
        return [*found, f"{len(refused)} drops are quarantined"]
    kept = {path.name for path in (services.project.home.quarantine / refused[0].digest).iterdir()}
    if kept != {"drop.json", "rows.jsonl", "reasons.jsonl"}:
        found.append(f"in quarantine lie {sorted(kept)}")
    if services.ledger.updates.waiting(LINE):
        found.append("something waits")
    return found


def of_revert(site: Site, digest: str) -> list[str]:
    """v2, whose files were found wrong, is reverted and v1 serves; the drops of its update are not lost."""
    services = site.services
    states = [row.state for row in services.ledger.promotions.all(LINE)]
    found = list(_serving(services, (1,)))
    if states != ["done", "reverted"]:
        found.append(f"the log says {states}")
    if len(services.ledger.updates.get("u0002").drops) != 1:
        found.append("the drop of u0002 is lost")
    return found


def _serving(services: Services, versions: tuple[int, ...]) -> Iterator[str]:
    """One champion, whose files are the recorded ones; aliases and log agree; nothing is half done."""
    ledger, registry = services.ledger, services.registry
    if (served := ledger.promotions.served(LINE)) != versions:
        yield f"by the log {served} served, not {versions}"
        return
    wanted = dict(zip(("champion", "previous"), reversed(versions), strict=False))
    if (aliases := registry.aliases()) != wanted:
        yield f"the aliases are {aliases}, not {wanted}"
    if half := ledger.promotions.open_intent(LINE):
        yield f"v{half.version} is half promoted"
    registry.check(versions[-1], ledger.versions.get(LINE, versions[-1]).digest)


def _once(services: Services, count: int) -> Iterator[str]:
    """Every accepted drop was learned exactly once, by as many updates as versions, and nothing is under way."""
    ledger = services.ledger
    learned = Counter(ledger.versions.learned(LINE, count))
    if learned != Counter(drop.digest for drop in ledger.drops.all("accepted")):
        yield f"drops learned: {sorted(learned.values())}, accepted: {len(ledger.drops.all('accepted'))}"
    if (states := [update.status for update in ledger.updates.all(LINE)]) != ["promoted"] * count:
        yield f"the updates are {states}"
    if ledger.updates.waiting(LINE) or ledger.updates.live(LINE):
        yield "something waits or is under way"


def _recorded(services: Services, count: int) -> Iterator[str]:
    """MLflow has as many runs, models and versions, all complete."""
    with MlflowApi(services.project.mlflow_uri).client() as client:
        experiment = [client.get_experiment_by_name(LINE).experiment_id]
        runs, models = client.search_runs(experiment), client.search_logged_models(experiment)
        versions = client.search_model_versions(f"name = '{LINE}'")
        reports = {item.path for item in client.list_artifacts(runs[0].info.run_id, "reports")}
    if (states := [run.info.status for run in runs]) != ["FINISHED"] * count:
        yield f"MLflow's runs are {states}"
    if (states := [model.status.name for model in models]) != ["READY"] * count:
        yield f"MLflow's models are {states}"
    if len(versions) != count or any("abreast.verdict" not in version.tags for version in versions):
        verdicts = {version.version: version.tags.get("abreast.verdict") for version in versions}
        yield f"MLflow's versions and verdicts are {verdicts}"
    if not {"reports/metrics.json", "reports/answers.jsonl", "reports/matrix.json"} <= reports:
        yield f"the run's reports are {sorted(reports)}"


def _stored(site: Site, tag: str) -> Iterator[str]:
    """The version's tag is in the origin, and all that its `dvc.lock` names in the remote."""
    services = site.services
    shown = subprocess.run(
        ["git", "show", f"{tag}:dvc.lock"], cwd=site.root, capture_output=True, text=True, check=False
    )
    if shown.returncode:
        yield f"there is no tag {tag}"
        return
    for stage in yaml.safe_load(shown.stdout)["stages"].values():
        for out in stage.get("outs", []):
            if not _whole(
                services,
                services.project.home.drops,
                Pointer(md5=out["md5"], size=out["size"], nfiles=out.get("nfiles")),
            ):
                yield f"{out['path']} of {tag} is not in the remote"


def _whole(services: Services, repository, pointer: Pointer) -> bool:
    with opened(repository) as repo:
        return is_whole(repo.cloud.get_remote_odb(REMOTE, "pull"), pointer)


def _delivered(services: Services, count: int) -> Iterator[str]:
    if (found := len(services.ledger.deliveries.all())) != count:
        yield f"{found} deliveries are recorded, {count} were made"


def _left(services: Services) -> Iterator[str]:
    """Nothing half written lies about, and no clone of an update that has ended."""
    home = services.project.home
    live = services.ledger.updates.live(LINE)
    runs = [path.name for path in home.runs.glob("*") if live is None or path.name != live.id]
    halves = [*home.quarantine.glob(".incoming-*"), *home.drops.glob(".incoming-*")]
    if runs:
        yield f"left are the clones of {runs}"
    if live is None and (left := list(home.checkpoints.glob("*"))):
        yield f"left are {len(left)} checkpoints"
    if halves:
        yield f"left are {[path.name for path in halves]}"
