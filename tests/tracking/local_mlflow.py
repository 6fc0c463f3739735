"""An MLflow without a server, in a folder: as much of it as the registry asks for, for tests of what lies above it.

Put in place of `abreast.tracking.mlflow_api.MlflowApi`. `test_registry.py` holds it to what a real server does. Its
state is one JSON file behind a lock, so that forked processes share it and may be killed at any moment.
"""

import fcntl
import json
import re
import shutil
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import pytest

from abreast.core.errors import AbreastError
from abreast.tracking import registry
from abreast.tracking.mlflow_api import MlflowApi

HOST = "mlflow.invalid"
EMPTY = {"experiments": {}, "runs": {}, "models": {}, "registered": {}}
MOST_METRICS = 1000  # what a real server takes in one call


class LocalMlflow:
    """The api to the folder that `uri` names."""

    def __init__(self, uri: str) -> None:
        self.uri = uri
        self.folder = Path(urlsplit(uri).path)

    def ping(self) -> None:
        """A folder always answers."""

    @contextmanager
    def client(self) -> Iterator["LocalClient"]:
        yield LocalClient(self)

    @contextmanager
    def state(self) -> Iterator[dict[str, Any]]:
        """The whole state; what is changed in the block is kept."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / "state.json"
        with (self.folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            before = path.read_text() if path.exists() else json.dumps(EMPTY)
            state = json.loads(before)
            yield state
            if (after := json.dumps(state)) != before:
                path.with_suffix(".new").write_text(after)
                path.with_suffix(".new").replace(path)

    def call(self, method: str, path: str, **fields: Any) -> dict:
        """Answer a request to `/api/2.0/mlflow/<path>`; KeyError for what does not exist."""
        with self.state() as state:
            if path.startswith("logged-models/"):
                model = state["models"][path.removeprefix("logged-models/")]
                return {"model": {"info": {"artifact_uri": model["artifact_uri"]}}}
            if path == "model-versions/search":
                return {"model_versions": [_wire(one) for one in _matching(state, fields["filter"])]}
            model = state["registered"][fields["name"]]
            return ANSWERS[method, path](model, fields)

    def read(self, run: str, path: str) -> bytes:
        """One artifact of a run; KeyError if there is none."""
        file = self.artifacts(run) / path
        if not file.is_file():
            raise KeyError(path)
        return file.read_bytes()

    def download(self, source: str, into: Path) -> None:
        """Copy the folder of a model."""
        shutil.copytree(self.folder / urlsplit(source).path.strip("/"), into, dirs_exist_ok=True)

    def artifacts(self, owner: str) -> Path:
        """Where the files of a run or a model are."""
        return self.folder / "artifacts" / owner


class LocalClient:
    """The methods of `MlflowClient` that the registry and its tests call, with the same arguments."""

    def __init__(self, api: LocalMlflow) -> None:
        self._api = api
        self.tracking_uri = api.uri

    def get_experiment_by_name(self, name: str) -> SimpleNamespace | None:
        with self._api.state() as state:
            known = state["experiments"].get(name)
        return known and SimpleNamespace(experiment_id=known)

    def create_experiment(self, name: str) -> str:
        with self._api.state() as state:
            return state["experiments"].setdefault(name, str(len(state["experiments"]) + 1))

    def create_run(self, experiment: str, run_name: str = "", tags: Mapping[str, str] | None = None) -> SimpleNamespace:
        run = uuid.uuid4().hex
        with self._api.state() as state:
            info = {"run_id": run, "experiment_id": experiment, "status": "RUNNING", "start_time": 1}
            info["artifact_uri"] = f"mlflow-artifacts:/artifacts/{run}"
            state["runs"][run] = {"info": info, "tags": dict(tags or {}), "params": {}, "metrics": {}}
            return _run(state["runs"][run])

    def search_runs(self, experiments: Sequence[str], filter_string: str = "", max_results: int = 0) -> list:
        with self._api.state() as state:
            mine = [run for run in state["runs"].values() if run["info"]["experiment_id"] in experiments]
            return [_run(run) for run in mine if _matches(run["tags"], filter_string)]

    def log_batch(self, run: str, metrics: Sequence = (), params: Sequence = (), tags: Sequence = ()) -> None:
        if len(metrics) > MOST_METRICS:
            raise AbreastError(f"{len(metrics)} metrics in one call")
        with self._api.state() as state:
            known = state["runs"][run]
            known["params"] |= {one.key: one.value for one in params}
            known["tags"] |= {one.key: one.value for one in tags}
            for one in metrics:
                known["metrics"].setdefault(one.key, {})[str(one.step)] = one.value

    def get_metric_history(self, run: str, key: str) -> list[SimpleNamespace]:
        with self._api.state() as state:
            points = state["runs"][run]["metrics"][key]
        return [SimpleNamespace(step=int(step), value=value) for step, value in points.items()]

    def set_tag(self, run: str, key: str, value: str) -> None:
        with self._api.state() as state:
            state["runs"][run]["tags"][key] = value

    def set_terminated(self, run: str, status: str) -> None:
        with self._api.state() as state:
            state["runs"][run]["info"]["status"] = status

    def log_artifacts(self, run: str, folder: str, path: str) -> None:
        shutil.copytree(folder, self._api.artifacts(run) / path, dirs_exist_ok=True)

    def log_text(self, run: str, text: str, path: str) -> None:
        self._file(run, path).write_text(text)

    def log_dict(self, run: str, content: Mapping, path: str) -> None:
        self.log_text(run, json.dumps(content), path)

    def log_figure(self, run: str, figure: Any, path: str) -> None:
        figure.savefig(self._file(run, path))

    def list_artifacts(self, run: str, path: str) -> list[SimpleNamespace]:
        folder = self._api.artifacts(run)
        return [SimpleNamespace(path=str(file.relative_to(folder))) for file in (folder / path).iterdir()]

    def create_registered_model(self, name: str, description: str = "") -> None:
        with self._api.state() as state:
            state["registered"].setdefault(name, {"name": name, "aliases": {}, "versions": {}})

    def create_model_version(self, name: str, source: str, **fields: Any) -> SimpleNamespace:
        with self._api.state() as state:
            versions = state["registered"][name]["versions"]
            number = str(len(versions) + 1)
            kept = {key: fields.get(key, "") for key in ("run_id", "description")}
            versions[number] = {"version": number, "source": source, "tags": fields.get("tags", {})} | kept
            return SimpleNamespace(**versions[number])

    def get_model_version(self, name: str, version: str) -> SimpleNamespace:
        with self._api.state() as state:
            return SimpleNamespace(**state["registered"][name]["versions"][version])

    def search_model_versions(self, filter_string: str) -> list[SimpleNamespace]:
        with self._api.state() as state:
            return [SimpleNamespace(**one) for one in _matching(state, filter_string)]

    def create_logged_model(self, experiment: str, tags: Mapping[str, str], **_: Any) -> SimpleNamespace:
        model = f"m-{uuid.uuid4().hex}"
        with self._api.state() as state:
            known = {"model_id": model, "experiment": experiment, "tags": dict(tags), "status": "PENDING"}
            known["artifact_uri"] = f"mlflow-artifacts:/artifacts/{model}"
            state["models"][model] = known
            return _model(known)

    def search_logged_models(self, experiments: Sequence[str], filter_string: str = "") -> list[SimpleNamespace]:
        with self._api.state() as state:
            mine = [one for one in state["models"].values() if one["experiment"] in experiments]
            return [_model(one) for one in mine if _matches(one["tags"], filter_string)]

    def log_model_artifacts(self, model: str, folder: str) -> None:
        shutil.copytree(folder, self._api.artifacts(model), dirs_exist_ok=True)

    def log_model_artifact(self, model: str, file: str) -> None:
        shutil.copy2(file, self._api.artifacts(model))

    def finalize_logged_model(self, model: str, status: str) -> None:
        with self._api.state() as state:
            state["models"][model]["status"] = status

    def _file(self, run: str, path: str) -> Path:
        file = self._api.artifacts(run) / PurePosixPath(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        return file


def _set_alias(model: dict, fields: Mapping[str, str]) -> dict:
    model["aliases"][fields["alias"]] = model["versions"][fields["version"]]["version"]
    return {}


def _delete_alias(model: dict, fields: Mapping[str, str]) -> dict:
    model["aliases"].pop(fields["alias"], None)
    return {}


def _describe(model: dict, fields: Mapping[str, str]) -> dict:
    model["versions"][fields["version"]]["description"] = fields["description"]
    return {}


def _set_tag(model: dict, fields: Mapping[str, str]) -> dict:
    model["versions"][fields["version"]]["tags"][fields["key"]] = fields["value"]
    return {}


def _delete_tag(model: dict, fields: Mapping[str, str]) -> dict:
    model["versions"][fields["version"]]["tags"].pop(fields["key"], None)
    return {}


def _get_model(model: dict, _: Mapping[str, str]) -> dict:
    aliases = [{"alias": alias, "version": version} for alias, version in model["aliases"].items()]
    return {"registered_model": {"name": model["name"], "aliases": aliases}}


ANSWERS = {
    ("GET", "registered-models/get"): _get_model,
    ("POST", "registered-models/alias"): _set_alias,
    ("DELETE", "registered-models/alias"): _delete_alias,
    ("GET", "model-versions/get"): lambda model, fields: {
        "model_version": _wire(model["versions"][fields["version"]]),
    },
    ("PATCH", "model-versions/update"): _describe,
    ("POST", "model-versions/set-tag"): _set_tag,
    ("DELETE", "model-versions/delete-tag"): _delete_tag,
}


def _wire(version: dict) -> dict:
    """A version as the REST interface writes it."""
    return version | {"tags": [{"key": key, "value": value} for key, value in version["tags"].items()]}


def _run(run: dict) -> SimpleNamespace:
    last = {name: list(points.values())[-1] for name, points in run["metrics"].items()}
    data = SimpleNamespace(params=run["params"], tags=run["tags"], metrics=last)
    return SimpleNamespace(info=SimpleNamespace(**run["info"]), data=data)


def _model(known: dict) -> SimpleNamespace:
    status = SimpleNamespace(name=known["status"])
    return SimpleNamespace(model_id=known["model_id"], model_uri=f"models:/{known['model_id']}", status=status)


def _matching(state: dict, filter_string: str) -> list[dict]:
    """The versions of the model that a filter names, with the tags that it asks for."""
    (name,) = re.findall(r"name = '([^']*)'", filter_string)
    versions = state["registered"].get(name, {"versions": {}})["versions"].values()
    return [one for one in versions if _matches(one["tags"], filter_string)]


def _matches(tags: Mapping[str, str], filter_string: str) -> bool:
    equal = re.findall(r"tags\.`([^`]+)` = '([^']*)'", filter_string)
    there = re.findall(r"tags\.`([^`]+)` LIKE '%'", filter_string)
    return all(tags.get(key) == value for key, value in equal) and all(key in tags for key in there)


def local_or_real_api(uri: str) -> LocalMlflow | MlflowApi:
    """The api to a folder, if the address is that of one."""
    return LocalMlflow(uri) if urlsplit(uri).hostname == HOST else MlflowApi(uri)


@pytest.fixture(scope="session")
def local_mlflow() -> Iterator[Callable[[Path], str]]:
    """Gives an address in place of a server's, which leads this process and what it forks to a folder of `folder`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "MlflowApi", local_or_real_api)
        yield lambda folder: f"http://{HOST}{folder / 'mlflow'}"
