"""A real S3 server (SeaweedFS) on loopback."""

import itertools
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pytest

from tests.ports import free_port

ACCESS_KEY, SECRET_KEY = "abreast-test", "abreast-test-secret"
GRPC = 10_000
"""How far above each port the server opens another one."""
_numbers = itertools.count(1)


@dataclass(frozen=True)
class S3Server:
    """A running server."""

    endpoint: str

    @cached_property
    def client(self) -> object:
        """A plain boto3 client with the server's credentials."""
        return _client(self.endpoint)

    def new_bucket(self) -> str:
        """Make an empty bucket, and return its name."""
        name = f"test-{os.getpid()}-{next(_numbers)}"
        self.client.create_bucket(Bucket=name)
        return name


def _command(folder: Path, s3_port: int) -> list[str]:
    identity = {
        "name": "tests",
        "credentials": [{"accessKey": ACCESS_KEY, "secretKey": SECRET_KEY}],
        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
    }
    config = folder / "s3.json"
    config.write_text(json.dumps({"identities": [identity]}))
    ports = {name: free_port(GRPC) for name in ("master", "volume", "filer")}
    (folder / "data").mkdir()
    return [
        str(Path(sys.executable).with_name("weed")),
        "server",
        f"-dir={folder / 'data'}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
        *(f"-{name}.port={port}" for name, port in ports.items()),
        "-s3",
        f"-s3.port={s3_port}",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        f"-s3.config={config}",
        "-volume.max=200",
        "-master.volumeSizeLimitMB=256",
    ]


def _client(endpoint: str):
    import boto3

    return boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id=ACCESS_KEY,
        aws_secret_access_key=SECRET_KEY,
        region_name="us-east-1",
    )


def _wait(process: subprocess.Popen, client, log: Path) -> None:
    """Until a bucket can be made and an object put: the port answers seconds before that."""
    from botocore.exceptions import BotoCoreError, ClientError

    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            client.create_bucket(Bucket="probe")
            client.put_object(Bucket="probe", Key="probe", Body=b"1")
            return
        except (BotoCoreError, ClientError):
            time.sleep(0.3)
    raise RuntimeError(f"the S3 server did not start:\n{log.read_text()[-3000:]}")


@contextmanager
def running_s3(folder: Path) -> Iterator[str]:
    """The endpoint of a server that keeps its data in `folder`, as long as the block lasts."""
    port = free_port(GRPC)
    log = folder / "weed.log"
    with log.open("w") as output:
        process = subprocess.Popen(_command(folder, port), stdout=output, stderr=output)
    try:
        endpoint = f"http://127.0.0.1:{port}"
        _wait(process, _client(endpoint), log)
        yield endpoint
    finally:
        process.kill()
        process.wait()


@pytest.fixture
def s3(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> S3Server:
    """The running S3 server, with its credentials in the environment of this test."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", ACCESS_KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    return s3_server
