"""A line of models on a real MLflow and ledger, and the checks that must hold whatever its promoters went through."""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import httpx

from abreast.knowledge.drop import DropInfo
from abreast.learning.model_folder import model_digest
from abreast.ledger import Ledger, Promotion, Version
from abreast.ledger.process_id import ProcessId
from abreast.storage.dvc_cache import Pointer
from abreast.tracking.mlflow_api import MlflowApi
from abreast.tracking.registry import Registry
from benchmarks.promoter_processes import PromoterResult

MODELS = 12
_POINTER = Pointer(md5="0123456789abcdef.dir", size=10, nfiles=2)


class PromotionLine:
    """Versions judged `pass` against the champion of their moment, a few of them with wrong files.

    Several versions share the files of one logged model, so that a version costs one call and no upload.
    """

    def __init__(self, ledger: Ledger, registry: Registry, folder: Path, uri: str):
        self.ledger, self.registry, self.line = ledger, registry, registry.name
        self._api, self._folder, self._registered, self.damaged = MlflowApi(uri), folder, 0, set()
        experiment = self._api.call("POST", "experiments/create", name=self.line)["experiment_id"]
        self._models = [self._logged_model(experiment, number) for number in range(MODELS)]
        self._api.call("POST", "registered-models/create", name=self.line)

    def _logged_model(self, experiment: str, number: int) -> tuple[str, str]:
        """Log a model with its own files by REST, since MLflow's client makes forks slow; return id and digest."""
        files = self._folder / f"model{number}"
        files.mkdir()
        (files / "abreast.json").write_text(f'{{"number": {number}}}\n')
        fields = {"experiment_id": experiment, "name": f"m{number}"}
        info = self._api.call("POST", "logged-models", **fields)["model"]["info"]
        place = f"mlflow-artifacts/artifacts{urlsplit(info['artifact_uri']).path}/abreast.json"
        content = (files / "abreast.json").read_bytes()
        httpx.put(f"{self._api.uri}/api/2.0/{place}", content=content, timeout=60).raise_for_status()
        ready = {"model_id": info["model_id"], "status": "LOGGED_MODEL_READY"}
        self._api.call("PATCH", f"logged-models/{info['model_id']}", **ready)
        return info["model_id"], model_digest(files)

    def register(self, damaged: bool = False) -> int:
        """Register a version whose parent is the present champion; its update has ended, and it waits for a person."""
        self._registered += 1
        digest = hashlib.sha256(f"{self.line} {self._registered}".encode()).hexdigest()
        counts = {"rows": 1, "accepted": 1, "quarantined": 0, "kinds": {}}
        info = DropInfo(digest=digest, name=digest[:8], arrived_at="2026-01-01T00:00:00Z", **counts)
        self.ledger.drops.accept(info, _POINTER, info.name, None)
        update = self.ledger.updates.claim(self.line, "c0", ProcessId.current(), 60.0)
        model, files = self._models[self._registered % MODELS]
        recorded = "0" * 64 if damaged else files
        number = self._version(model, recorded)
        stored = {"digest": recorded, "model": _POINTER, "knowledge": _POINTER, "metrics": {}}
        self.ledger.versions.add(number, update, **stored, verdict="pass", reasons=[])
        self.ledger.updates.advance(update, "refused", reason="waits for a person")
        if damaged:
            self.damaged.add(number)
        return number

    def _version(self, model: str, digest: str) -> int:
        tags = [{"key": "abreast.digest", "value": digest}]
        fields = {"name": self.line, "source": f"models:/{model}", "model_id": model, "tags": tags}
        return int(self._api.call("POST", "model-versions/create", **fields)["model_version"]["version"])

    def violations(self, results: Sequence[PromoterResult], since: int) -> list[str]:
        """The violated invariants after a round and its sweep, one line each.

        Args:
            since: the last row of the promotion log before the round.
        """
        log = self.ledger.promotions.all(self.line)
        new = [row for row in log if row.id > since]
        versions = {row.version: self.ledger.versions.get(self.line, row.version) for row in new}
        found = [*state_violations(log, self.damaged), *replay_log(log)[1], *self._alias_violations(log)]
        found += [
            *judgement_violations(new, versions),
            *result_violations(new, results),
            *self._update_violations(new, versions),
        ]
        return found

    def _alias_violations(self, log: Sequence[Promotion]) -> list[str]:
        """The aliases are the last versions in the log, and the champion's files are the recorded ones."""
        stack, aliases = replay_log(log)[0], self.registry.aliases()
        wanted = dict(zip(("champion", "previous"), reversed(stack), strict=False))
        found = [] if aliases == wanted else [f"the aliases are {aliases}, by the log they should be {wanted}"]
        if stack:
            self.registry.check(stack[-1], self.ledger.versions.get(self.line, stack[-1]).digest)
        return found

    def _update_violations(self, new: Sequence[Promotion], versions: dict[int, Version]) -> list[str]:
        """The update of each promoted version has the status `promoted`."""
        done = {row.version for row in new if row.state == "done" and row.kind == "promote"}
        states = {number: self.ledger.updates.get(f"u{versions[number].update:04d}").status for number in done}
        return [f"v{n} was promoted, but its update is {state}" for n, state in states.items() if state != "promoted"]


def replay_log(log: Sequence[Promotion]) -> tuple[list[int], list[str]]:
    """Replay the log: the stack of versions that served, the last one on top, and the rows that contradict it."""
    stack, found = [], []
    for row in (row for row in log if row.state == "done"):
        before = stack[-1] if stack else None
        if row.before != before:
            found.append(f"row {row.id} replaced {row.before}, but {before} served: a promotion is lost")
        if row.kind == "rollback":
            stack.pop()
            if stack[-1:] != [row.version]:
                found.append(f"row {row.id} rolled back to {row.version}, but {stack[-1:]} had served before")
        elif row.version == before:
            found.append(f"row {row.id} promoted v{row.version}, which served already: promoted twice")
        else:
            stack.append(row.version)
    return stack, found


def state_violations(log: Sequence[Promotion], damaged: set[int]) -> list[str]:
    """No promotion is half done; all reverted versions have wrong files, and none with wrong files served."""
    found = [f"row {row.id}, v{row.version}, is half promoted" for row in log if row.state == "intent"]
    found += [
        f"row {row.id}: v{row.version} has wrong files, and is {row.state}"
        for row in log
        if row.version in damaged and row.state != "reverted"
    ]
    found += [
        f"row {row.id}: v{row.version} was reverted though its files are right: {row.outcome}"
        for row in log
        if row.state == "reverted" and row.version not in damaged
    ]
    return found


def judgement_violations(new: Sequence[Promotion], versions: dict[int, Version]) -> list[str]:
    """Each promotion without force replaced the champion that its version was judged against."""
    return [
        f"row {row.id}: v{row.version} was judged against {versions[row.version].parent}, and replaced {row.before}"
        for row in new
        if row.kind == "promote" and not row.forced and row.before != versions[row.version].parent
    ]


def result_violations(new: Sequence[Promotion], results: Sequence[PromoterResult]) -> list[str]:
    """Each reported promotion is done, and each reported rollback left the champion that its process saw."""
    rows, found = {row.id: row for row in new}, []
    for one in results:
        mine = [row for row in new if row.actor == one.task.actor]
        if len(mine) > 1:
            found.append(f"{one.task.actor} wanted one {one.task.verb}, and {len(mine)} rows are its own")
        if one.outcome in ("broken", "unavailable"):
            found.append(f"{one.task.actor} ended {one.outcome}: {' '.join(one.lines)}")
        if one.row is None:
            continue
        row = rows.get(one.row)
        if row is not None and row.state != "done":
            found.append(f"{one.task.actor} reported that row {row.id} is done, but it is {row.state}")
        if one.task.verb == "rollback" and (row is None or row.kind != "rollback" or row.before != one.champion_left):
            found.append(f"{one.task.actor} reported row {one.row}, which is no rollback from v{one.champion_left}")
        if one.task.verb == "promote" and row is not None and row.version != one.task.version:
            found.append(f"{one.task.actor} wanted v{one.task.version} and reported v{row.version}")
    return found
