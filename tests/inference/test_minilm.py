"""The real MiniLM on the real banking77: in two drops 22 intents, of which ten questions each are taught."""

import json

import pytest

from benchmarks.stream_data import DATA, StreamSize, read_stream
from tests.evaluation.stream import learn

SIZE = StreamSize(drops=2, rows=10, dev=2, asked=4)
TRAIN = {
    "epochs": 8,
    "learning_rate": 0.003,
    "update_learning_rate": 0.0015,
    "top_layers": 6,
    "tokens_per_batch": 120,
    "patience": 2,
}
SPLIT = {"current_questions": 1000, "retained_questions": 1000}


@pytest.mark.slow
def test_intents_of_a_bank_are_learned_and_the_first_eleven_kept(tmp_path):
    drops = [rows for _, rows in read_stream("banking77", DATA, SIZE)]
    train = TRAIN | {"peft": {"method": "lora"}, "regularizers": [{"method": "anchor"}]}
    one, two = learn(tmp_path, "packaged:minilm-l6-v2", drops, train=train, split=SPLIT)
    assert one.figures("classification", who="base")["accuracy"] == 0.0
    assert one.figures("classification")["accuracy"] >= 0.75
    known = two.figures("classification")
    assert known["accuracy"] >= 0.75, "a head that mixes up its rows reaches 0.05, one that forgets 0.5"
    assert two.figures("classification", "retained")["accuracy"] >= 0.7
    assert len(json.loads((two.root / "model/heads.json").read_text())["classification"]) == 22
