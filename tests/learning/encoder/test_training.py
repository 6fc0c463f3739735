import json
from pathlib import Path

import pytest
import torch

from abreast.core.errors import AbreastError
from abreast.core.settings import load_params
from abreast.inference.load import load_predictor, load_predictors
from abreast.learning.encoder.saved_heads import read_heads
from abreast.learning.methods import METHODS
from abreast.learning.model_folder import model_digest
from abreast.learning.trainer import train
from tests.learning.encoder.label_project import ANIMALS, METALS, NAMES, NUMBERS, PLANTS, lay_out, teach
from tests.learning.project import promote, train_killed_in

ALL = [*ANIMALS, *PLANTS, *NAMES, *NUMBERS]


@pytest.fixture
def project(tmp_path, bare_encoder, monkeypatch):
    root = tmp_path / "project"
    root.mkdir()
    monkeypatch.chdir(root)
    return lay_out(root, bare_encoder, ALL)


def answers(folder: Path = Path("model")) -> list[str]:
    predictor = load_predictor(folder, load_params().model)
    return predictor.answer([asked for _, asked, _ in ALL], kinds=[kind for kind, *_ in ALL])


def test_several_heads_learn_in_one_model_and_answer_in_words(project):
    train.main()
    wanted = [answer for kind, _, answer in ALL if kind != "regression"]
    assert answers()[: len(wanted)] == wanted
    numbers = [float(answer) for answer in answers()[len(wanted) :]]
    assert all(abs(number - float(row[2])) < 8 for number, row in zip(numbers, NUMBERS, strict=True))
    assert answers() == answers()
    assert {path.name for path in Path("model").iterdir()} == {
        "abreast.json",
        "adapter_config.json",
        "adapter_model.safetensors",
        "heads.json",
        "heads.safetensors",
    }
    config = json.loads(Path("model/adapter_config.json").read_text())
    assert (config["task_type"], config["alora_invocation_tokens"]) == ("FEATURE_EXTRACTION", None)
    predictor = load_predictor(Path("model"), load_params().model)
    with pytest.raises(AbreastError, match=r"heads for classification, tagging, regression, and no kind is given"):
        predictor.answer(["the lion ran 1"])
    with pytest.raises(AbreastError, match=r"'fact' is none of them: ask with --kind"):
        predictor.head_for("fact")
    assert predictor.head_for("tagging") == "tagging"


def test_earlier_rows_stay_bit_for_bit_when_a_label_is_added(project):
    train.main()
    before = read_heads(promote(project))
    teach([], METALS)
    train.main()
    after = read_heads(Path("model"))
    assert before.labels.classification == ("animal", "plant")
    assert after.labels == before.labels.model_copy(update={"classification": ("animal", "plant", "metal")})
    assert set(after.rows) == set(before.rows)
    for name, rows in before.rows.items():
        assert torch.equal(after.rows[name][: len(rows)], rows)
        assert not after.rows[name][len(rows) :].any()
    assert len(after.rows["classification.weight"]) == 3


def test_a_killed_training_with_added_rows_resumes_to_the_same_bytes(project, monkeypatch):
    train.main()
    promote(project)
    teach([*METALS, *NUMBERS], old=[*ANIMALS, *NAMES])
    train.main()
    whole = model_digest(Path("model"))
    train_killed_in(3, monkeypatch)
    train.main()
    assert model_digest(Path("model")) == whole


def test_parent_candidate_and_base_answer_together_as_alone(project):
    train.main()
    parent, alone = promote(project), answers()
    teach(METALS, old=ANIMALS)
    train.main()
    model, asked = load_params().model, [asked for _, asked, _ in ALL]
    folders = {"parent": parent, "candidate": Path("model"), "base": None}
    side = load_predictors(folders, model)
    predicted = {name: one.answer(asked, kinds=[kind for kind, *_ in ALL]) for name, one in side.items()}
    assert predicted["parent"] == alone
    assert predicted["candidate"] == answers()
    assert set(predicted["base"]) == {""}, "there is no head that could answer"
    assert side["candidate"].answer(["iron lies in 2"], kinds=["classification"]) == ["metal"]


@pytest.mark.parametrize("method", sorted(set(METHODS) - {"self_distillation"}))
def test_every_method_works_when_rows_are_added(tmp_path, bare_encoder, monkeypatch, method):
    monkeypatch.chdir(tmp_path)
    lay_out(tmp_path, bare_encoder, ANIMALS[:3] + PLANTS[:3], regularizers=[{"method": method}], epochs=2)
    train.main()
    promote(tmp_path)
    teach(METALS[:3] + NUMBERS[:2], old=ANIMALS[:3])
    train.main()
    heads = read_heads(Path("model"))
    assert heads.labels.classification == ("animal", "plant", "metal")
    assert heads.rows["classification.weight"][2].any(), "the new row has learned"
    assert all(rows.isfinite().all() for rows in heads.rows.values())


@pytest.mark.parametrize(
    "adapt",
    [
        {"method": "full"},
        {"method": "lora", "dora": True, "targets": "mlp", "rank": 2},
        {"method": "adalora", "rank": 4, "target": 2},
        {"method": "ia3"},
    ],
    ids=["full", "dora", "adalora", "ia3"],
)
def test_other_adapter_methods_learn_and_continue(tmp_path, bare_encoder, monkeypatch, adapt):
    monkeypatch.chdir(tmp_path)
    lay_out(tmp_path, bare_encoder, [*ANIMALS, *PLANTS], peft=adapt, top_layers=1)
    train.main()
    predictor = load_predictor(Path("model"), load_params().model)
    assert predictor.answer([row[1] for row in (*ANIMALS, *PLANTS)]) == [row[2] for row in (*ANIMALS, *PLANTS)]
    config = json.loads(Path("model/adapter_config.json").read_text())
    named = config["modules_to_save"] if adapt["method"] == "full" else config["target_modules"]
    assert all("layer.1" in path for path in named), "the uppermost layer alone"
    assert not any("attention" in path for path in named if "dora" in adapt)
    promote(tmp_path)
    before = model_digest(Path("model"))
    teach(METALS, old=ANIMALS)
    train_killed_in(2, monkeypatch)
    train.main()
    assert model_digest(Path("model")) != before
    assert load_predictor(Path("model"), load_params().model).answer([METALS[0][1]]) == ["metal"]


@pytest.mark.parametrize(
    ("rows", "knobs", "message"),
    [
        (
            [("fact", "value of a", "1.5")],
            {},
            r"drop d{12} has records of kind fact: set a causal language model",
        ),
        ([("instruction", "say it", "so")], {}, r"kind instruction: .* remove instruction from intake\.kinds"),
        ([("text", "", "the cat sat")], {}, r"kind text, .* this checkpoint has no masked language model head: set a "),
        (
            ANIMALS,
            {"regularizers": [{"method": "self_distillation"}]},
            r"^train\.regularizers\[0\]: self_distillation needs a model that generates text",
        ),
        (
            ANIMALS,
            {"regularizers": [{"method": "anchor"}, {"method": "distil", "teacher": "base"}]},
            r"^train\.regularizers\[1\]\.teacher: the base of an encoder has no labels to teach; set parent",
        ),
        (ANIMALS, {"peft": {"method": "prefix"}}, r"train\.peft\.method is 'prefix', .*; model\.base is a bert"),
    ],
)
def test_what_an_encoder_does_not_support_is_refused_in_one_line(
    tmp_path, bare_encoder, monkeypatch, rows, knobs, message
):
    monkeypatch.chdir(tmp_path)
    lay_out(tmp_path, bare_encoder, rows, **knobs)
    with pytest.raises(AbreastError, match=message) as refusal:
        train.main()
    assert "\n" not in str(refusal.value)
