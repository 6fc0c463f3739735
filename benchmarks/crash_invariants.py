"""The design's invariants, checked after a kill and the next run; each function returns the faults, one line each."""

import subprocess
from collections import Counter
from collections.abc import Iterator

import yaml

from abreast.knowledge.drop import read_drop
from abreast.lifecycle.intake import store_of
from abreast.services.services import Services
from abreast.storage.dvc_cache import REMOTE, Pointer, is_whole, opened
from abreast.tracking.mlflow_api import MlflowApi
from benchmarks.crash_installation import FIRST, SECOND, CrashInstallation

LINE = "abreast"


def check_update(installation: CrashInstallation, digest: str) -> list[str]:
    """v2 serves with the files that it has without a kill, and each step was done once."""
    services = installation.services
    found = [
        *_serving(services, (1, 2)),
        *_learned_once(services, 2),
        *_recorded(services, 2),
        *_stored(installation, "model/v2"),
    ]
    if not found and (made := services.ledger.versions.get(LINE, 2).digest) != digest:
        found.append(f"v2 has the digest {made[:12]}, without a kill {digest[:12]}")
    return [*found, *_leftovers(services)]


def check_first_update(installation: CrashInstallation, digest: str) -> list[str]:
    """v1 serves, and each step was done once."""
    services = installation.services
    found = [
        *_serving(services, (1,)),
        *_learned_once(services, 1),
        *_recorded(services, 1),
        *_stored(installation, "model/v1"),
    ]
    return [*found, *_leftovers(services)]


def check_intake(installation: CrashInstallation, digest: str) -> list[str]:
    """The drop was accepted once, is complete in the remote and waits, and one update was requested."""
    services = installation.services
    accepted = services.ledger.drops.all("accepted")
    found = list(_serving(services, (1,)))
    if [drop.accepted for drop in accepted] != [len(FIRST), len(SECOND)]:
        return [*found, f"accepted are {[(drop.name, drop.accepted) for drop in accepted]}"]
    new, store = accepted[1], store_of(services.project)
    if services.ledger.updates.waiting(LINE) != [new]:
        found.append(f"waiting are {[drop.name for drop in services.ledger.updates.waiting(LINE)]}, not the new drop")
    if not _whole(services, services.project.home.drops, new.pointer):
        found.append("the drop is not complete in the remote")
    if store.info(new.digest).digest != new.digest or len(
        read_drop(services.project.home.drops / new.digest)[1]
    ) != len(SECOND):
        found.append("the stored drop differs")
    scheduled = installation.runs(
        flows={"name": {"any_": ["update"]}}, flow_runs={"state": {"type": {"any_": ["SCHEDULED"]}}}
    )
    if len(scheduled) != 1:
        found.append(f"{len(scheduled)} updates were requested")
    return [*found, *_delivered(services, 2), *_leftovers(services)]


def check_quarantine(installation: CrashInstallation, digest: str) -> list[str]:
    """The bad drop is in quarantine once, complete, and nothing waits."""
    services = installation.services
    refused = services.ledger.drops.all("quarantined")
    found = [*_serving(services, (1,)), *_delivered(services, 2), *_leftovers(services)]
    if len(refused) != 1 or not refused[0].reasons:
        return [*found, f"{len(refused)} drops are quarantined"]
    kept = {path.name for path in (services.project.home.quarantine / refused[0].digest).iterdir()}
    if kept != {"drop.json", "rows.jsonl", "reasons.jsonl"}:
        found.append(f"quarantine holds {sorted(kept)}")
    if services.ledger.updates.waiting(LINE):
        found.append("a drop waits")
    return found


def check_revert(installation: CrashInstallation, digest: str) -> list[str]:
    """v2, whose files are wrong, is reverted, v1 serves, and the drops of v2's update are not lost."""
    services = installation.services
    states = [row.state for row in services.ledger.promotions.all(LINE)]
    found = list(_serving(services, (1,)))
    if states != ["done", "reverted"]:
        found.append(f"the promotions are {states}")
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


def _learned_once(services: Services, count: int) -> Iterator[str]:
    """Each accepted drop was learned exactly once, with one update per version, and nothing runs."""
    ledger = services.ledger
    learned = Counter(ledger.versions.learned(LINE, count))
    if learned != Counter(drop.digest for drop in ledger.drops.all("accepted")):
        yield f"drops learned: {sorted(learned.values())}, accepted: {len(ledger.drops.all('accepted'))}"
    if (states := [update.status for update in ledger.updates.all(LINE)]) != ["promoted"] * count:
        yield f"the updates are {states}"
    if ledger.updates.waiting(LINE) or ledger.updates.live(LINE):
        yield "a drop waits or an update runs"


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


def _stored(installation: CrashInstallation, tag: str) -> Iterator[str]:
    """The version's tag is in the origin, and the remote holds everything that its `dvc.lock` names."""
    services = installation.services
    shown = subprocess.run(
        ["git", "show", f"{tag}:dvc.lock"], cwd=installation.root, capture_output=True, text=True, check=False
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


def _leftovers(services: Services) -> Iterator[str]:
    """No half-written folder is left, and no clone of an update that has ended."""
    home = services.project.home
    live = services.ledger.updates.live(LINE)
    runs = [path.name for path in home.runs.glob("*") if live is None or path.name != live.id]
    halves = [*home.quarantine.glob(".incoming-*"), *home.drops.glob(".incoming-*")]
    if runs:
        yield f"clones are left of {runs}"
    if live is None and (left := list(home.checkpoints.glob("*"))):
        yield f"{len(left)} checkpoints are left"
    if halves:
        yield f"half-written folders are left: {[path.name for path in halves]}"
