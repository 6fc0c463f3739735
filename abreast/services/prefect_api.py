"""The few calls that commands make to Prefect's REST API; a full client takes seconds to import."""

import uuid
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import httpx
from tenacity import retry, retry_if_exception_type, retry_if_result, stop_after_delay, wait_random_exponential

from abreast.core.errors import AbreastError, Unavailable

FINAL_STATES = frozenset({"COMPLETED", "FAILED", "CRASHED", "CANCELLED"})
ARRIVED = "abreast.drop.arrived"
# Prefect's answers while its database is locked or a proxy restarts; its own client retries these too.
BUSY = frozenset({429, 502, 503})
BUSY_SECONDS = 60  # seconds
ANSWER_SECONDS = 30


@retry(
    retry=retry_if_result(lambda answer: answer.status_code in BUSY) | retry_if_exception_type(httpx.ReadTimeout),
    wait=wait_random_exponential(multiplier=0.2, max=5),
    stop=stop_after_delay(BUSY_SECONDS),
    retry_error_callback=lambda state: state.outcome.result(),
)
def _request(method: str, url: str, body: Any) -> httpx.Response:
    return httpx.request(method, url, json=body, timeout=ANSWER_SECONDS)


class PrefectApi:
    """Prefect's API at `url`, such as `http://127.0.0.1:4200/api`."""

    def __init__(self, url: str):
        self.url = url.rstrip("/")

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        try:
            answer = _request(method, f"{self.url}{path}", body)
        except httpx.HTTPError as error:
            reason = str(error) or type(error).__name__
            raise Unavailable(
                f"Prefect does not answer at {self.url} ({reason}); start it with `abreast up`, or set PREFECT_API_URL"
            ) from None
        if answer.status_code == 404:
            raise AbreastError(f"Prefect at {self.url} has no {path}; deploy with `abreast up`")
        if answer.status_code in BUSY:
            raise Unavailable(
                f"Prefect at {self.url} was busy for {BUSY_SECONDS} s ({answer.status_code} on {path}); "
                "try again, or give it PostgreSQL through PREFECT_API_DATABASE_CONNECTION_URL"
            )
        if answer.is_error:
            raise AbreastError(f"Prefect at {self.url} refused {path}: {answer.status_code} {answer.text[:200]}")
        return answer.json() if answer.content else None

    def health(self) -> None:
        """Raise `Unavailable` unless the server answers."""
        self._call("GET", "/health")

    def emit_arrival(self, names: list[str]) -> None:
        """Send the event that drops arrived: only a hint, intake lists the inbox itself."""
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
        # The key makes a repeated call harmless: a busy server may have made the run before it answered 503.
        body = {"parameters": parameters or {}, "state": {"type": "SCHEDULED"}, "idempotency_key": str(uuid.uuid4())}
        return self._call("POST", f"/deployments/{found['id']}/create_flow_run", body)["id"]

    def has_pool(self, name: str) -> bool:
        """Whether there is a work pool of this name."""
        return bool(self._call("POST", "/work_pools/filter", {"work_pools": {"name": {"any_": [name]}}}))

    def has_run(self, flow: str, states: Iterable[str], since: datetime | None = None) -> bool:
        """Whether a run of `flow` is in one of the states, such as `PENDING`, and, if given, began after `since`."""
        began = {} if since is None else {"start_time": {"after_": since.isoformat()}}
        return self._first_run(flow, states, **began) is not None

    def next_run(self, flow: str) -> datetime | None:
        """When the next planned run of `flow` is due; None if none is planned."""
        found = self._first_run(flow, ["SCHEDULED"])
        return None if found is None else datetime.fromisoformat(found["expected_start_time"])

    def _first_run(self, flow: str, states: Iterable[str], **which: Any) -> dict[str, Any] | None:
        """The earliest due run of `flow` in one of the states that matches Prefect's other filters `which`."""
        body = {
            "flows": {"name": {"any_": [flow]}},
            "flow_runs": {"state": {"type": {"any_": list(states)}}} | which,
            "sort": "EXPECTED_START_TIME_ASC",
            "limit": 1,
        }
        return next(iter(self._call("POST", "/flow_runs/filter", body)), None)

    def state(self, run: str) -> dict[str, Any]:
        """The state of a run: `{"type", "name", "message"}`."""
        return self._call("GET", f"/flow_runs/{run}")["state"]
