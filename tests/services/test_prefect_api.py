import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from abreast.core.errors import Unavailable
from abreast.services import prefect_api
from abreast.services.prefect_api import PrefectApi


@contextmanager
def answering(codes: list[int], silence: float = 0.0) -> Iterator[tuple[str, list[dict]]]:
    """A server that gives these codes in turn (the last one for ever), and the bodies that it was sent.

    Args:
        silence: seconds for which the first call is left without an answer.
    """
    bodies: list[dict] = []
    retried = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            if len(bodies) == 1:
                retried.wait(silence)
            else:
                retried.set()
            self._answer(codes.pop(0) if len(codes) > 1 else codes[0])

        def do_GET(self) -> None:
            self._answer(200)

        def _answer(self, code: int) -> None:
            self.send_response(code)
            self.end_headers()
            self.wfile.write(b'{"id": "one"}')

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/api", bodies
    finally:
        server.shutdown()
        server.server_close()


def test_a_busy_server_is_retried_for_the_same_run():
    with answering([503, 503, 201]) as (url, bodies):
        assert PrefectApi(url).start("update/update") == "one"
    assert len(bodies) == 3
    assert len({body["idempotency_key"] for body in bodies}) == 1


def test_a_server_that_keeps_silent_is_retried_for_the_same_run(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(prefect_api, "ANSWER_SECONDS", 0.3)
    with answering([201], silence=60) as (url, bodies):
        assert PrefectApi(url).start("update/update") == "one"
    assert len({body["idempotency_key"] for body in bodies}) == 1 < len(bodies)


def test_a_server_that_stays_busy_is_unavailable(monkeypatch: pytest.MonkeyPatch):
    # tenacity's own handle on a decorated function: the real patience is a minute.
    monkeypatch.setattr(prefect_api._request.retry, "stop", prefect_api.stop_after_delay(0.5))
    with answering([503]) as (url, _), pytest.raises(Unavailable, match="was busy"):
        PrefectApi(url).start("update/update")
