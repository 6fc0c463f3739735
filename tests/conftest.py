"""Fixtures that all parts share."""

from tests.lifecycle.ledgers import ledger, ledger_url
from tests.s3_server import s3
from tests.tracking.local_mlflow import local_mlflow

__all__ = ["ledger", "ledger_url", "local_mlflow", "s3"]

pytest_plugins = ["tests.shared_servers", "tests.tiers"]
