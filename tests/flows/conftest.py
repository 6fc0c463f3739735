"""One running installation for all tests of the loop: Prefect, MLflow, worker and watcher, started by `abreast up`."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.installation import Installation

KNOBS = {
    "train": {"epochs": 8, "patience": 8},
    # The loop is what is tried here, not how well a handful of made-up words is learned.
    "gates": {"min_current": 0.0, "max_retention_loss": 1.0, "max_stale": 1.0, "max_perplexity_ratio": 10.0}
    | {"min_questions": 1},
}


@pytest.fixture(scope="session")
def loop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    installation = Installation(tmp_path_factory.mktemp("installation"), KNOBS)
    installation.abreast("up")
    yield installation
    installation.abreast("down")


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """A folder for drops that are not delivered yet."""
    return tmp_path
