"""The few calls that commands make to Prefect's REST API; a full client takes seconds to import."""

import uuid
from datetime import UTC, datetime
from typing import Any

import httpx

from abreast.errors import AbreastError, Unavailable

FINAL_STATES = frozenset({"COMPLETED", "FAILED", "CRASHED", "CANCELLED"})
ARRIVED = "abreast.drop.arrived"


class PrefectApi:
    """Prefect's API at `url`, such as `http://127.0.0.1:4200/api`."""

    def __init__(self, url: str):
        self.url = url.rstrip("/")

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        try:
            answer = httpx.request(method, f"{self.url}{path}", json=body, timeout=30)
        except httpx.HTTPError as error:
            reason = str(error) or type(error).__name__
            raise Unavailable(
                f"Prefect does not answer at {self.url} ({reason}); start it with `abreast up`, or set PREFECT_API_URL"
            ) from None
        if answer.status_code == 404:
            raise AbreastError(f"Prefect at {self.url} knows no {path}; deploy with `abreast up`")
        if answer.is_error:
            raise AbreastError(f"Prefect at {self.url} refused {path}: {answer.status_code} {answer.text[:200]}")
        return answer.json() if answer.content else None

    def health(self) -> None:
        """Raise `Unavailable` unless the server answers."""
        self._call("GET", "/health")

    def emit_arrival(self, names: list[str]) -> None:
        """Tell Prefect that drops arrived; only a hint, intake lists the inbox itself."""
        event = {
            "id": str(uuid.uuid4()),
            "occurred": datetime.now(UTC).isoformat(),
            "event": ARRIVED,
            "resource": {"prefect.resource.id": "abreast.inbox", "prefect.resource.name": "inbox"},
            "payload": {"names": names},
        }
        self._call("POST", "/events", [event])

    def start(self, deployment: str, parameters: dict[str, Any] | None = None) -> str:
        """Ask for a run of `flow/deployment`, such as `update/update`; returns the run's id."""
        found = self._call("GET", f"/deployments/name/{deployment}")
        body = {"parameters": parameters or {}, "state": {"type": "SCHEDULED"}}
        return self._call("POST", f"/deployments/{found['id']}/create_flow_run", body)["id"]

    def state(self, run: str) -> dict[str, Any]:
        """The state of a run: `{"type", "name", "message"}`."""
        return self._call("GET", f"/flow_runs/{run}")["state"]
