"""Fixtures that all parts share."""

import gc

from tests.lifecycle.ledgers import ledger, ledger_url
from tests.s3_server import s3
from tests.tracking.local_mlflow import local_mlflow

__all__ = ["ledger", "ledger_url", "local_mlflow", "s3"]

pytest_plugins = ["tests.shared_servers", "tests.tiers"]


def pytest_collection_finish() -> None:
    """Let no garbage collection look through all that was imported: with torch loaded it is half of some tests."""
    gc.collect()
    gc.freeze()
