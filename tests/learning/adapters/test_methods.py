"""Holds for every adapter method: it learns, PEFT loads it, and it continues from its parent or after a kill."""

import csv
import inspect
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from abreast.core.errors import AbreastError
from abreast.core.settings import Model, load_params
from abreast.dataset.examples import write_jsonl
from abreast.inference.load import load_predictor, load_predictors
from abreast.learning.adapters import METHODS, make_adapter_method, with_defaults
from abreast.learning.adapters.protocol import HasTrainingMethods, InitFromExamples
from abreast.learning.backbone.adapter import add_adapter, trained_parameters
from abreast.learning.backbone.base_model import load_base
from abreast.learning.backbone.cached_backbone import CachedBackbone
from abreast.learning.backbone.prompt_tokenizer import TokenizedExample
from abreast.learning.methods import METHODS as TRAINING_METHODS
from abreast.learning.model_folder import model_digest, read_model_manifest
from abreast.learning.trainer import train
from abreast.services.services import Services
from tests.learning.methods.test_methods import MILD
from tests.learning.project import FACTS, example, promote, question, train_killed_in, write_project

ADAPTERS = {
    "lora": {"method": "lora", "rank": 4, "alpha": 8},
    "lora, rich": {"method": "lora", "rank": 4, "targets": "mlp", "rslora": True, "dropout": 0.1, "init": "orthogonal"},
    "pissa": {"method": "lora", "rank": 4, "alpha": 4, "init": "pissa"},
    "eva": {"method": "lora", "rank": 3, "alpha": 8, "init": "eva"},
    "corda": {"method": "lora", "rank": 4, "alpha": 4, "init": "corda"},
    "osf": {"method": "osf", "keep": 0.5},
    "dora": {"method": "lora", "rank": 4, "alpha": 8, "targets": "attention", "dora": True, "init": "gaussian"},
    "adalora": {"method": "adalora", "rank": 6, "target": 4, "alpha": 16, "dropout": 0.05},
    "ia3": {"method": "ia3"},
    "full": {"method": "full"},
    "prefix": {"method": "prefix", "length": 8},
}
LEARN = {
    "lora": 0.01,
    "lora, rich": 0.005,
    "pissa": 0.005,
    "eva": 0.01,
    "corda": 0.005,
    "osf": 0.005,
    "dora": 0.01,
    "adalora": 0.02,
    "ia3": 0.05,
    "full": 0.005,
    "prefix": 0.05,
}
REMEMBER = [{"method": method, **MILD.get(method, {})} for method in TRAINING_METHODS]
ALL = pytest.mark.parametrize("adapter", ADAPTERS)


@pytest.fixture
def project(tmp_path, tiny_base, monkeypatch, adapter):
    knobs = {"learning_rate": LEARN[adapter], "update_learning_rate": LEARN[adapter], "epochs": 5}
    root = write_project(tmp_path / "project", tiny_base, peft=ADAPTERS[adapter], **knobs)
    monkeypatch.chdir(root)
    return root


def losses() -> list[float]:
    return [float(row["dev_loss"]) for row in csv.DictReader(Path("reports/curve.csv").read_text().splitlines())]


def prepare_update(project: Path, tiny_base: Path, adapter: str) -> None:
    """The next training continues the model, with every training method."""
    knobs = {"learning_rate": LEARN[adapter], "update_learning_rate": LEARN[adapter], "epochs": 3}
    write_project(project, tiny_base, peft=ADAPTERS[adapter], regularizers=REMEMBER, **knobs)
    promote(project)
    write_jsonl(Path("data/train.jsonl"), [example("a", "1.5"), example("e", "6.6")])
    write_jsonl(Path("data/dev.jsonl"), [question("a", "1.5"), question("e", "6.6")])


@torch.no_grad()
def as_in_plain_peft(tiny_base: Path, folder: Path, activated: bool) -> None:
    """Plain PEFT computes the same logits and answers from a model folder as our predictor."""
    from peft import PeftModel

    base, tokenizer, _ = load_base(Model(base=str(tiny_base), device="cpu"))
    plain = PeftModel.from_pretrained(base, str(folder)).eval()
    predictor = load_predictor(folder, load_params().model)
    texts = [predictor._prompt_tokenizer.pair(f"value of {key}", value) for key, value in FACTS.items()]
    assert all((text.activation_index > 0) == activated for text in texts)
    wanted = [plain(input_ids=torch.tensor([text.ids])).logits[0, text.prompt_length - 1 : -1] for text in texts]
    with predictor._active_adapter():
        uncached = [predictor._backbone.logits([text])[0] for text in texts]
        predictor._backbone.precompute(texts)
        assert predictor._backbone._can_split
        cached = [predictor._backbone.logits([text])[0] for text in texts]
    torch.testing.assert_close(uncached, wanted, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(cached, wanted, rtol=1e-4, atol=1e-4)
    begun = torch.tensor([texts[0].ids[: texts[0].prompt_length]])
    made = plain.generate(input_ids=begun, max_new_tokens=12, do_sample=False)[0, begun.shape[1] :]
    answer = predictor.answer([f"value of {key}" for key in FACTS])[0]
    assert answer == tokenizer.decode(made, skip_special_tokens=True).strip()


def predicted_side_by_side() -> None:
    """Parent, candidate and base in one model answer as each does alone."""
    folders = {"parent": Path("data/parent/model"), "candidate": Path("model"), "base": None}
    model = load_params().model
    together = {name: one.perplexity("abc") for name, one in load_predictors(folders, model).items()}
    alone = {name: load_predictor(folder, model).perplexity("abc") for name, folder in folders.items()}
    assert together == pytest.approx(alone)
    assert len(set(alone.values())) == 3


@ALL
def test_it_learns_loads_in_peft_and_continues_also_when_killed(project, tiny_base, adapter, monkeypatch):
    train.main()
    first = losses()
    assert min(first) < 0.8 * first[0]
    assert read_model_manifest(Path("model")).peft == with_defaults(ADAPTERS[adapter])
    as_in_plain_peft(tiny_base, Path("model"), make_adapter_method(ADAPTERS[adapter]).activated)
    prepare_update(project, tiny_base, adapter)
    train.main()
    uninterrupted = model_digest(Path("model")), losses()
    assert min(uninterrupted[1]) < first[0], "it knows something from the start"
    train_killed_in(2, monkeypatch)
    train.main()
    assert (model_digest(Path("model")), losses()) == uninterrupted
    predicted_side_by_side()


@ALL
def test_untrained_or_disabled_it_changes_nothing(tiny_base, adapter):
    base, _, _ = load_base(Model(base=str(tiny_base), device="cpu"))
    text = TokenizedExample((9, 8, 60, 61, 6, 5), 4, 0)
    with torch.no_grad():
        wanted = base(torch.tensor([text.ids])).logits[0, 3:-1]
    adapter_method = make_adapter_method(ADAPTERS[adapter])
    peft_model = add_adapter(base, adapter_method.peft_config(base, 2), "new", trainable=True)
    if isinstance(adapter_method, HasTrainingMethods):
        adapter_method.training_methods(peft_model, first=True)
    backbone, parameters = (
        CachedBackbone(peft_model.get_base_model(), 2, peft_model.disable_adapter),
        trained_parameters(peft_model),
    )
    if isinstance(adapter_method, InitFromExamples):
        examples = [TokenizedExample((9, 8, 60, 61, 6, 5, number, number + 50), 4, 2) for number in range(20, 40)]
        adapter_method.init_from_examples(peft_model, backbone, examples)
    torch.testing.assert_close(backbone.logits([text])[0], wanted, rtol=1e-4, atol=1e-4)
    assert all(".layers.2." in f".{name}" or ".layers.3." in f".{name}" for name in parameters)
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in parameters.values():
            parameter += 0.2 * torch.randn_like(parameter)
    assert not torch.allclose(backbone.logits([text])[0], wanted, atol=1e-2)
    with backbone.adapter_disabled():
        torch.testing.assert_close(backbone.logits([text])[0], wanted, rtol=1e-4, atol=1e-4)


def test_full_trains_every_weight_of_the_top_layers(tiny_base):
    base, _, _ = load_base(Model(base=str(tiny_base), device="cpu"))
    top_layers = [p for layer in base.model.layers[2:] for p in layer.parameters()]
    sizes = sorted(tuple(p.shape) for p in top_layers)
    peft_model = add_adapter(base, make_adapter_method({"method": "full"}).peft_config(base, 2), "new", trainable=True)
    trained = trained_parameters(peft_model)
    assert sorted(tuple(p.shape) for p in trained.values()) == sizes
    assert not {id(p) for p in trained.values()} & {id(p) for p in top_layers}


@pytest.mark.parametrize(
    ("targets", "parts"),
    [("attention", {"q_proj", "k_proj", "v_proj", "o_proj"}), ("mlp", {"gate_proj", "up_proj", "down_proj"})],
)
def test_targets_are_parts_of_a_layer(tiny_base, targets, parts):
    base, _, _ = load_base(Model(base=str(tiny_base), device="cpu"))
    config = make_adapter_method({"method": "lora", "targets": targets}).peft_config(base, 1)
    trained = trained_parameters(add_adapter(base, config, "new", trainable=True))
    assert {name.split(".lora_")[0].split(".")[-1] for name in trained} == parts
    assert all(name.startswith("model.layers.3.") for name in trained)


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"method": "lorra"}, r"train\.peft\.method is 'lorra'; choose from adalora, full, ia3, lora, osf, prefix$"),
        ({"rank": 4}, r"train\.peft\.method is None; choose from "),
        ({"method": "lora", "rnak": 4}, r"train\.peft\.rnak: .*; lora has the knobs rank, alpha, targets, "),
        ({"method": "full", "rank": 4}, r"train\.peft\.rank: .*; full has the knobs none$"),
        ({"method": "lora", "rank": "4"}, r"train\.peft\.rank: Input should be a valid integer"),
        ({"method": "lora", "targets": "some"}, r"train\.peft\.targets: Input should be 'all', 'attention' or 'mlp'"),
        ({"method": "lora", "init": "loftq"}, r"train\.peft\.init: Input should be 'default', 'gaussian', 'ortho"),
        ({"method": "lora", "init": "olora", "rslora": True}, r"train\.peft: init olora does not go with rslora"),
        (
            {"method": "lora", "rank": 5, "init": "orthogonal"},
            r"train\.peft: init orthogonal needs an even rank, not 5",
        ),
        ({"method": "adalora", "rank": 8, "target": 8}, r"train\.peft: target 8 must be below rank 8"),
    ],
)
def test_wrong_knobs_are_refused_by_their_path(chosen, message, tmp_path):
    with pytest.raises(AbreastError, match=message) as refusal:
        make_adapter_method(chosen)
    assert "\n" not in str(refusal.value)
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    (tmp_path / "params.yaml").write_text(f"train:\n  peft: {chosen}\n")
    with pytest.raises(AbreastError, match=message):
        Services.open(tmp_path)


def test_knobs_are_checked_without_torch():
    chosen = list(ADAPTERS.values())
    program = (
        "import sys; from abreast.learning.adapters import make_adapter_method; "
        f"[make_adapter_method(one) for one in {chosen!r}]; assert not {{'torch', 'peft'}} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("method", ["ia3", "prefix"])
def test_an_unsupported_base_is_named(tiny_base, method):
    base, _, _ = load_base(Model(base=str(tiny_base), device="cpu"))
    base.config.model_type = "newcomer"
    with pytest.raises(AbreastError, match=rf"train\.peft\.method is '{method}', .*newcomer"):
        make_adapter_method({"method": method}).peft_config(base, 2)


@pytest.mark.parametrize("adapter", ["ia3"])
def test_models_of_two_methods_are_neither_loaded_together_nor_continued(project, tiny_base, adapter):
    train.main()
    promote(project)
    write_project(project, tiny_base, epochs=1)
    train.main()
    folders = {"one": Path("data/parent/model"), "other": Path("model")}
    with pytest.raises(AbreastError, match=r"train\.peft: .*parent/model by ia3, model by lora"):
        load_predictors(folders, load_params().model)
    promote(project)
    write_project(project, tiny_base, peft=ADAPTERS["full"])
    promote(project)
    with pytest.raises(AbreastError, match=r"train\.peft is \{'method': 'full'\}, but the parent's.*'lora'"):
        train.main()


def test_every_method_is_short_cites_its_paper_and_is_documented():
    page = (Path(__file__).parents[3] / "docs/adaptation.md").read_text()
    for method in METHODS:
        adapter_method = make_adapter_method({"method": method})
        source = Path(inspect.getfile(type(adapter_method))).read_text()
        assert len(source.splitlines()) < 80
        assert "arXiv:" in source.split('"""')[1]
        row = next(line for line in page.splitlines() if line.startswith(f"| `{method}` |"))
        for name, value in adapter_method.knobs.model_dump().items():
            assert f"`{name}` ({str(value).lower()}" in row, f"{method}.{name}"
