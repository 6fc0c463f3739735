import socket
import time

import pytest

from abreast.core.errors import AbreastError, Unavailable
from abreast.tracking.mlflow_api import MlflowApi


def test_an_address_that_is_no_server_is_refused():
    with pytest.raises(AbreastError, match="'sqlite:///mlflow.db'.*http://127.0.0.1:5000"):
        MlflowApi("sqlite:///mlflow.db")


def test_a_server_that_is_down_is_named_at_once_with_what_to_do():
    before = time.monotonic()
    with pytest.raises(Unavailable, match="http://127.0.0.1:1 .*`abreast up`.*services.mlflow_port"):
        MlflowApi("http://127.0.0.1:1").ping()
    assert time.monotonic() - before < 3


def test_a_server_that_never_answers_is_given_up_within_seconds():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        before = time.monotonic()
        with pytest.raises(Unavailable, match="timed out"):
            MlflowApi(f"http://127.0.0.1:{silent.getsockname()[1]}").ping()
        assert time.monotonic() - before < 8


@pytest.mark.server
def test_what_mlflow_says_is_told_in_one_line(mlflow_uri):
    api = MlflowApi(mlflow_uri)
    with pytest.raises(KeyError):
        api.call("GET", "registered-models/get", name="nobody")
    with pytest.raises(AbreastError, match=r"refused registered-models/alias \(400\)") as refusal:
        api.call("POST", "registered-models/alias", name="x", alias="y")
    assert "\n" not in str(refusal.value)
