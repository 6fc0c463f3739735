"""One running installation for all tests of the loop: Prefect, MLflow, worker and watcher, started by `abreast up`."""

from collections.abc import Iterator

import pytest

from tests.installation import Installation
from tests.learning.tiny import write_tiny_base
from tests.s3_server import ACCESS_KEY, SECRET_KEY

# The loop is what is tried here, not how well made-up words are learned: a tiny base, and gates that let all pass.
TRAIN = {
    "learning_rate": 0.01,
    "epochs": 4,
    "max_tokens": 6000,
    "top_layers": 2,
    "peft": {"method": "lora", "rank": 4, "alpha": 8},
}
GATES = [{"name": "current_exact_match", "measure": "accuracy", "scope": "current", "at_least": 0.0}]
# Nothing is learned at this rate, so that nothing ends the training before its last token: hundreds of steps.
LONG = {
    "update_learning_rate": 1e-9,
    "epochs": 1_000_000,
    "patience": 1_000_000,
    "max_tokens": 60_000,
    "checkpoint_seconds": 0.0,
}


@pytest.fixture(scope="module")
def loop(tmp_path_factory: pytest.TempPathFactory, prefork: None) -> Iterator[Installation]:
    """Its processes hold the credentials of the test S3 server, so that a test may move its inbox there."""
    base = write_tiny_base(tmp_path_factory.mktemp("base"))
    knobs = {"model": {"base": str(base)}, "train": TRAIN, "gates": GATES}
    installation = Installation(tmp_path_factory.mktemp("installation"), knobs)
    keys = {"AWS_ACCESS_KEY_ID": ACCESS_KEY, "AWS_SECRET_ACCESS_KEY": SECRET_KEY, "AWS_DEFAULT_REGION": "us-east-1"}
    # A tiny model gains nothing by a second thread, and on a busy machine waits for it at each step.
    # The worker looks for work each second: the tests wait for many runs.
    installation.abreast("up", **keys, OMP_NUM_THREADS="1", PREFECT_WORKER_QUERY_SECONDS="1")
    yield installation
    installation.abreast("down")


@pytest.fixture
def long_training(loop: Installation) -> Iterator[None]:
    """Updates train for so long meanwhile that whoever waits for a checkpoint finds the trainer at work."""
    before = loop.knobs()["train"]
    loop.set_knobs({"train": LONG})
    yield
    loop.set_knobs({"train": before})
