"""Access to MLflow: its REST interface for small, quick calls, and its client, which is slow to import.

Paths and fields: https://mlflow.org/docs/latest/rest-api.html
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlsplit

import httpx

from abreast.core.errors import AbreastError, Unavailable

if TYPE_CHECKING:
    from mlflow import MlflowClient

_TIMEOUT = httpx.Timeout(30.0, connect=3.0)
_PING_SECONDS = 5.0
_CLIENT_RETRIES, _CLIENT_TIMEOUT_SECONDS = "2", "60"


class MlflowApi:
    """One MLflow server; credentials come from MLflow's own environment variables.

    Args:
        uri: such as `http://127.0.0.1:5000`.
    """

    def __init__(self, uri: str) -> None:
        if not uri.startswith(("http://", "https://")):
            raise AbreastError(f"MLflow at {uri!r}: Abreast needs a server's address, such as http://127.0.0.1:5000")
        self.uri = uri.rstrip("/")
        self._options = {"timeout": _TIMEOUT, "verify": uri.startswith("https://")}  # certificates take 20 ms to load

    def call(self, method: str, path: str, **fields: Any) -> dict:
        """Call `/api/2.0/mlflow/<path>`; the fields go into the query of a GET and the body of anything else.

        Raises:
            KeyError: MLflow says that what was asked for does not exist.
            Unavailable: the server does not answer.
            AbreastError: it refused, with its reason.
        """
        place = {"params": fields} if method == "GET" else {"json": fields}
        url = f"{self.uri}/api/2.0/mlflow/{path}"
        with self.answering():
            answer = httpx.request(method, url, auth=_login(), headers=_token(), **self._options, **place)
        if answer.is_success:
            return answer.json()
        raise self._refusal(answer, path)

    def download(self, source: str, into: Path) -> None:
        """Copy the folder `source` (`mlflow-artifacts:/...`, what the server proxies) to `into`."""
        folder = urlsplit(source).path.strip("/")
        into.mkdir(parents=True, exist_ok=True)
        url = f"{self.uri}/api/2.0/mlflow-artifacts/artifacts"
        with self.answering(), httpx.Client(auth=_login(), headers=_token(), **self._options) as client:
            listed = client.get(url, params={"path": folder}).raise_for_status().json()
            for entry in listed.get("files", []):
                target = into / PurePosixPath(entry["path"]).name
                if entry.get("is_dir"):
                    self.download(f"mlflow-artifacts:/{folder}/{target.name}", target)
                else:
                    _save(client, f"{url}/{quote(f'{folder}/{target.name}')}", target)

    def read(self, run: str, path: str) -> bytes:
        """One artifact of a run; raises as `call` does."""
        with self.answering():
            fields = {"run_uuid": run, "path": path}
            url = f"{self.uri}/get-artifact"
            answer = httpx.get(url, params=fields, auth=_login(), headers=_token(), **self._options)
        if answer.is_success:
            return answer.content
        raise self._refusal(answer, path)

    def ping(self) -> None:
        """Raise Unavailable unless the server answers within a few seconds."""
        with self.answering():
            health = httpx.get(f"{self.uri}/health", **(self._options | {"timeout": _PING_SECONDS}))
            health.raise_for_status()

    @contextmanager
    def client(self) -> Iterator["MlflowClient"]:
        """MLflow's own client, with retries that end within seconds, its failures turned into one line."""
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", _CLIENT_RETRIES)
        os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", _CLIENT_TIMEOUT_SECONDS)
        os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
        os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")
        from mlflow import MlflowClient
        from mlflow.exceptions import MlflowException
        from requests import RequestException

        try:
            yield MlflowClient(tracking_uri=self.uri, registry_uri=self.uri)
        except RequestException as error:
            raise self.unreachable(error) from error
        except MlflowException as error:
            reason = " ".join(str(error).split())
            if error.error_code in ("INTERNAL_ERROR", "TEMPORARILY_UNAVAILABLE"):
                raise Unavailable(f"MLflow at {self.uri} failed: {reason}") from error
            raise AbreastError(f"MLflow at {self.uri} refused: {reason}") from error

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Turn the failures of connections into one line."""
        try:
            yield
        except (httpx.HTTPError, OSError) as error:
            raise self.unreachable(error) from error

    def unreachable(self, error: Exception) -> Unavailable:
        """The one line for a server that does not answer."""
        cause = " ".join(str(error).split()) or type(error).__name__
        return Unavailable(
            f"MLflow does not answer at {self.uri} ({cause}); start it with `abreast up`,"
            " or correct knob `services.mlflow_port` or MLFLOW_TRACKING_URI"
        )

    def _refusal(self, answer: httpx.Response, path: str) -> Exception:
        try:
            body = answer.json()
        except ValueError:
            body = {}
        if body.get("error_code") == "RESOURCE_DOES_NOT_EXIST":
            return KeyError(body.get("message", path))
        reason = " ".join(str(body.get("message") or answer.text[:200]).split())
        kind = Unavailable if answer.status_code >= 500 else AbreastError
        return kind(f"MLflow at {self.uri} refused {path} ({answer.status_code}): {reason}")


def _save(client: httpx.Client, url: str, target: Path) -> None:
    with client.stream("GET", url) as answer, target.open("wb") as file:
        for chunk in answer.raise_for_status().iter_bytes():
            file.write(chunk)


def _login() -> tuple[str, str] | None:
    user, password = os.environ.get("MLFLOW_TRACKING_USERNAME"), os.environ.get("MLFLOW_TRACKING_PASSWORD")
    return (user, password) if user and password else None


def _token() -> dict[str, str]:
    token = os.environ.get("MLFLOW_TRACKING_TOKEN")
    return {"Authorization": f"Bearer {token}"} if token else {}
