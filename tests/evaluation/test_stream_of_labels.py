"""Each kind that an encoder learns, through the whole update twice, as `test_stream_of_kinds` for one that writes."""

import json
from pathlib import Path

import pytest
import yaml

from abreast.core.errors import AbreastError
from abreast.core.settings import load_params
from abreast.evaluation import evaluate
from abreast.inference.load import load_predictor
from abreast.tracking.card import with_verdict
from tests.evaluation.stream import learn
from tests.evaluation.test_stream_of_kinds import REHEARSE, sentences, texts
from tests.learning.encoder.conftest import bare_encoder, tiny_encoder

__all__ = ["bare_encoder", "tiny_encoder"]

TRAIN = {"epochs": 8, "top_layers": 2, "update_learning_rate": 0.005, "regularizers": [{"method": "anchor"}]}


def test_labels_grow_drop_by_drop_and_old_ones_are_kept(tmp_path, bare_encoder, monkeypatch):
    drops = [
        [*texts("lion", 20, label="animal"), *texts("rose", 20, label="plant")],
        texts("iron", 22, label="metal"),
    ]
    one, two = learn(tmp_path, bare_encoder, drops, split=REHEARSE, train=TRAIN)
    assert one.verdict.verdict == two.verdict.verdict == "pass"
    assert one.figures("classification", who="base")["accuracy"] == 0.0
    assert two.figures("classification", "current")["accuracy"] >= 0.8
    assert two.figures("classification", "retained")["accuracy"] >= 0.8
    assert {question.answer for question in two.questions} == {"animal", "plant", "metal"}
    assert two.metrics["candidate"]["calibration"]["questions"] == len(two.questions)
    assert two.metrics["base"]["calibration"] is None, "without a head there is no confidence"
    assert json.loads((two.root / "model/heads.json").read_text())["classification"] == ["animal", "plant", "metal"]
    assert two.metrics["candidate"]["general_perplexity"] is None
    assert "general_perplexity_ratio" not in [gate.name for gate in two.verdict.gates]
    page = with_verdict("the page", two.verdict)
    assert "Note: there is no gate for general perplexity: model.base has no head for masked words." in page
    monkeypatch.chdir(two.root)
    assert load_predictor(Path("model"), load_params().model).answer(["lion lion 11"]) == ["animal"]
    monkeypatch.setenv("ABREAST_HOME", str(tmp_path / "another home"))
    written = [(two.root / "reports" / name).read_bytes() for name in ("metrics.json", "answers.jsonl")]
    evaluate.main()
    assert [(two.root / "reports" / name).read_bytes() for name in ("metrics.json", "answers.jsonl")] == written
    knobs = yaml.safe_load(Path("params.yaml").read_text())
    Path("params.yaml").write_text(yaml.safe_dump(knobs | {"evaluate": knobs["evaluate"] | {"in_context_examples": 3}}))
    with pytest.raises(AbreastError, match=r"evaluate\.in_context_examples is 3, but model\.base is an encoder"):
        evaluate.main()


def test_spans_of_another_domain_are_learned_and_the_old_ones_kept(tmp_path, bare_encoder):
    first = sentences("PER", "Ada", "sang", "news") + sentences("LOC", "Rome", "lies", "news")
    first += sentences("", "it", "rains", "news")
    drops = [first, sentences("ORG", "BASF", "owes", "mail")]
    one, two = learn(tmp_path, bare_encoder, drops, split=REHEARSE, train=TRAIN)
    assert two.verdict.verdict == "pass"
    assert one.figures("tagging", who="base")["span_f1"] == 0.0
    assert two.figures("tagging", "current")["span_f1"] >= 0.8
    assert two.figures("tagging", "retained")["span_f1"] >= 0.8
    tags = json.loads((two.root / "model/heads.json").read_text())["tagging"]
    assert tags == ["O", "B-LOC", "I-LOC", "B-PER", "I-PER", "B-ORG", "I-ORG"]


def test_numbers_are_learned_to_within_the_tolerance(tmp_path, bare_encoder):
    first = texts("cold", 20, target=4.0, domain="north") + texts("warm", 20, target=21.5, domain="north")
    drops = [first, texts("hot", 20, target=35.0, domain="south")]
    one, two = learn(tmp_path, bare_encoder, drops, train=TRAIN | {"epochs": 30, "update_learning_rate": 0.01})
    assert one.figures("regression", who="base")["readable"] == 0.0
    figures = two.figures("regression")
    assert figures["readable"] == 1.0
    assert figures["mae"] < 2
    assert figures["spearman"] > 0.7
    scales = [json.loads((learned.root / "model/heads.json").read_text())["regression"] for learned in (one, two)]
    assert scales[0] == scales[1] == {"mean": pytest.approx(12.75, abs=2), "deviation": pytest.approx(8.75, abs=1)}


def test_raw_text_is_learned_by_foreseeing_masked_words(tmp_path, tiny_encoder):
    first = [{"text": f"The cat {n} sat on the mat, and {n} mice ran home."} for n in range(40)]
    second = [{"text": f"Rain {n} falls on the hills; {n} rivers rise.", "domain": "weather"} for n in range(40)]
    one, two = learn(tmp_path, tiny_encoder, [first, second], train=TRAIN | {"max_tokens": 25000})
    assert one.verdict.verdict == "pass"
    for learned in (one, two):
        before = learned.figures("text", "current", "base")["perplexity"]
        assert learned.figures("text", "current")["perplexity"] < 0.2 * before
        assert learned.metrics["candidate"]["general_perplexity"] > 1
    kept = two.figures("text", "retained")["perplexity"]
    assert kept < 1.3 * two.figures("text", "retained", "champion")["perplexity"]
    gates = [gate.name for gate in two.verdict.gates]
    assert {"general_perplexity_ratio", "retained_text_perplexity"} <= set(gates)
