"""Fixtures that all parts share."""

from tests.mlflow_server import mlflow_uri
from tests.s3_server import s3, s3_server

__all__ = ["mlflow_uri", "s3", "s3_server"]
