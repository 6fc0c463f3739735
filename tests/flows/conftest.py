"""One running installation for all tests of the loop: Prefect, MLflow, worker and watcher, started by `abreast up`."""

from collections.abc import Iterator

import pytest

from tests.installation import Installation
from tests.s3_server import ACCESS_KEY, SECRET_KEY

KNOBS = {
    "train": {"epochs": 4, "patience": 4, "checkpoint_seconds": 0.0},
    # The loop is what is tried here, not how well a handful of made-up words is learned.
    "gates": {"min_current": 0.0, "max_retention_loss": 1.0, "max_stale": 1.0, "max_perplexity_ratio": 10.0}
    | {"min_questions": 1},
}


@pytest.fixture(scope="session")
def loop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Its processes hold the credentials of the test S3 server, so that a test may move its inbox there."""
    installation = Installation(tmp_path_factory.mktemp("installation"), KNOBS)
    keys = {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY, "AWS_DEFAULT_REGION": "us-east-1"}
    installation.abreast("up", **keys)
    yield installation
    installation.abreast("down")
