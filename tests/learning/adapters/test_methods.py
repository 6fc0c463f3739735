"""What holds for every way to adapt: it learns, is kept as PEFT loads it, and goes on from its parent or a kill."""

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
from abreast.inference.predictor import load_answerer, load_answerers
from abreast.learning.adapters import METHODS, complete, make_adaptation
from abreast.learning.adapters.protocol import Accompanied, FromLessons
from abreast.learning.backbone.adapter import add_adapter, trained_parameters
from abreast.learning.backbone.base_model import load_base
from abreast.learning.backbone.cached_backbone import Trunk
from abreast.learning.backbone.prompt_tokenizer import Encoded
from abreast.learning.methods import METHODS as STRATEGIES
from abreast.learning.model_folder import model_digest, read_card
from abreast.learning.trainer import train
from abreast.services.services import Services
from tests.learning.methods.test_methods import MILD
from tests.learning.project import FACTS, example, promote, question, train_killed_in, write_project

WAYS = {
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
REMEMBER = [{"method": method, **MILD.get(method, {})} for method in STRATEGIES]
ALL = pytest.mark.parametrize("way", WAYS)


@pytest.fixture
def project(tmp_path, tiny_base, monkeypatch, way):
    knobs = {"learning_rate": LEARN[way], "update_learning_rate": LEARN[way], "epochs": 5}
    root = write_project(tmp_path / "project", tiny_base, peft=WAYS[way], **knobs)
    monkeypatch.chdir(root)
    return root


def losses() -> list[float]:
    return [float(row["dev_loss"]) for row in csv.DictReader(Path("reports/curve.csv").read_text().splitlines())]


def begin_update(project: Path, tiny_base: Path, way: str) -> None:
    """The next training goes on from the model, with every way to remember."""
    knobs = {"learning_rate": LEARN[way], "update_learning_rate": LEARN[way], "epochs": 3}
    write_project(project, tiny_base, peft=WAYS[way], regularizers=REMEMBER, **knobs)
    promote(project)
    write_jsonl(Path("data/train.jsonl"), [example("a", "1.5"), example("e", "6.6")])
    write_jsonl(Path("data/dev.jsonl"), [question("a", "1.5"), question("e", "6.6")])


@torch.no_grad()
def as_in_plain_peft(tiny_base: Path, folder: Path, sleeps: bool) -> None:
    """A model folder gives the same logits, and so the same answers, in PEFT by itself as in our answerer."""
    from peft import PeftModel

    base, tokenizer, _ = load_base(Model(base=str(tiny_base), device="cpu"))
    plain = PeftModel.from_pretrained(base, str(folder)).eval()
    answerer = load_answerer(folder, load_params().model)
    texts = [answerer._encoder.pair(f"value of {key}", value) for key, value in FACTS.items()]
    assert all((text.wake > 0) == sleeps for text in texts)
    wanted = [plain(input_ids=torch.tensor([text.ids])).logits[0, text.prompt - 1 : -1] for text in texts]
    with answerer._speaking():
        as_they_come = [answerer._trunk.logits([text])[0] for text in texts]
        answerer._trunk.plan(texts)
        assert answerer._trunk._works
        kept = [answerer._trunk.logits([text])[0] for text in texts]
    torch.testing.assert_close(as_they_come, wanted, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(kept, wanted, rtol=1e-4, atol=1e-4)
    begun = torch.tensor([texts[0].ids[: texts[0].prompt]])
    made = plain.generate(input_ids=begun, max_new_tokens=12, do_sample=False)[0, begun.shape[1] :]
    said = answerer.answer([f"value of {key}" for key in FACTS])[0]
    assert said == tokenizer.decode(made, skip_special_tokens=True).strip()


def asked_side_by_side() -> None:
    """Parent, candidate and base in one model answer as each does alone."""
    folders = {"parent": Path("data/parent/model"), "candidate": Path("model"), "base": None}
    model = load_params().model
    together = {name: one.perplexity("abc") for name, one in load_answerers(folders, model).items()}
    alone = {name: load_answerer(folder, model).perplexity("abc") for name, folder in folders.items()}
    assert together == pytest.approx(alone)
    assert len(set(alone.values())) == 3


@ALL
def test_it_learns_is_kept_as_peft_loads_it_and_goes_on_also_if_killed(project, tiny_base, way, monkeypatch):
    train.main()
    first = losses()
    assert min(first) < 0.8 * first[0]
    assert read_card(Path("model")).peft == complete(WAYS[way])
    as_in_plain_peft(tiny_base, Path("model"), make_adaptation(WAYS[way]).sleeps)
    begin_update(project, tiny_base, way)
    train.main()
    left_alone = model_digest(Path("model")), losses()
    assert min(left_alone[1]) < first[0], "it knew something from the start"
    train_killed_in(2, monkeypatch)
    train.main()
    assert (model_digest(Path("model")), losses()) == left_alone
    asked_side_by_side()


@ALL
def test_untrained_it_changes_nothing_and_off_the_base_alone_speaks(tiny_base, way):
    base, _, _ = load_base(Model(base=str(tiny_base), device="cpu"))
    text = Encoded((9, 8, 60, 61, 6, 5), 4, 0)
    with torch.no_grad():
        wanted = base(torch.tensor([text.ids])).logits[0, 3:-1]
    adaptation = make_adaptation(WAYS[way])
    adapted = add_adapter(base, adaptation.settings(base, 2), "new", trainable=True)
    if isinstance(adaptation, Accompanied):
        adaptation.strategies(adapted, first=True)
    trunk, parameters = Trunk(adapted.get_base_model(), 2, adapted.disable_adapter), trained_parameters(adapted)
    if isinstance(adaptation, FromLessons):
        lessons = [Encoded((9, 8, 60, 61, 6, 5, number, number + 50), 4, 2) for number in range(20, 40)]
        adaptation.start(adapted, trunk, lessons)
    torch.testing.assert_close(trunk.logits([text])[0], wanted, rtol=1e-4, atol=1e-4)
    assert all(".layers.2." in f".{name}" or ".layers.3." in f".{name}" for name in parameters)
    torch.manual_seed(1)
    with torch.no_grad():
        for parameter in parameters.values():
            parameter += 0.2 * torch.randn_like(parameter)
    assert not torch.allclose(trunk.logits([text])[0], wanted, atol=1e-2)
    with trunk.asleep():
        torch.testing.assert_close(trunk.logits([text])[0], wanted, rtol=1e-4, atol=1e-4)


def test_full_trains_every_weight_of_the_upper_layers(tiny_base):
    base, _, _ = load_base(Model(base=str(tiny_base), device="cpu"))
    upper = [p for layer in base.model.layers[2:] for p in layer.parameters()]
    sizes = sorted(tuple(p.shape) for p in upper)
    adapted = add_adapter(base, make_adaptation({"method": "full"}).settings(base, 2), "new", trainable=True)
    trained = trained_parameters(adapted)
    assert sorted(tuple(p.shape) for p in trained.values()) == sizes
    assert not {id(p) for p in trained.values()} & {id(p) for p in upper}


@pytest.mark.parametrize(
    ("targets", "parts"),
    [("attention", {"q_proj", "k_proj", "v_proj", "o_proj"}), ("mlp", {"gate_proj", "up_proj", "down_proj"})],
)
def test_targets_are_parts_of_a_layer(tiny_base, targets, parts):
    base, _, _ = load_base(Model(base=str(tiny_base), device="cpu"))
    settings = make_adaptation({"method": "lora", "targets": targets}).settings(base, 1)
    trained = trained_parameters(add_adapter(base, settings, "new", trainable=True))
    assert {name.split(".lora_")[0].split(".")[-1] for name in trained} == parts
    assert all(name.startswith("model.layers.3.") for name in trained)


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ({"method": "lorra"}, r"train\.peft\.method is 'lorra'; known are adalora, full, ia3, lora, osf, prefix$"),
        ({"rank": 4}, r"train\.peft\.method is None; known are "),
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
def test_what_no_method_takes_is_refused_by_its_path(chosen, message, tmp_path):
    with pytest.raises(AbreastError, match=message) as refusal:
        make_adaptation(chosen)
    assert "\n" not in str(refusal.value)
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    (tmp_path / "params.yaml").write_text(f"train:\n  adapt: {chosen}\n")
    with pytest.raises(AbreastError, match=message):
        Services.open(tmp_path)


def test_knobs_are_checked_without_torch():
    ways = list(WAYS.values())
    program = (
        "import sys; from abreast.learning.adapters import make_adaptation; "
        f"[make_adaptation(way) for way in {ways!r}]; assert not {{'torch', 'peft'}} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


@pytest.mark.parametrize("method", ["ia3", "prefix"])
def test_a_base_that_a_method_does_not_know_is_named(tiny_base, method):
    base, _, _ = load_base(Model(base=str(tiny_base), device="cpu"))
    base.config.model_type = "newcomer"
    with pytest.raises(AbreastError, match=rf"train\.peft\.method is '{method}', .*newcomer"):
        make_adaptation({"method": method}).settings(base, 2)


@pytest.mark.parametrize("way", ["ia3"])
def test_models_of_two_methods_are_not_asked_together_nor_continued(project, tiny_base, way):
    train.main()
    promote(project)
    write_project(project, tiny_base, epochs=1)
    train.main()
    folders = {"one": Path("data/parent/model"), "other": Path("model")}
    with pytest.raises(AbreastError, match=r"train\.peft: .*parent/model by ia3, model by lora"):
        load_answerers(folders, load_params().model)
    promote(project)
    write_project(project, tiny_base, peft=WAYS["full"])
    promote(project)
    with pytest.raises(AbreastError, match=r"train\.peft is \{'method': 'full'\}, but the parent's.*'lora'"):
        train.main()


def test_every_method_is_short_cites_its_paper_and_stands_in_the_page():
    page = (Path(__file__).parents[3] / "docs/adaptation.md").read_text()
    for method in METHODS:
        adaptation = make_adaptation({"method": method})
        source = Path(inspect.getfile(type(adaptation))).read_text()
        assert len(source.splitlines()) < 80
        assert "arXiv:" in source.split('"""')[1]
        row = next(line for line in page.splitlines() if line.startswith(f"| `{method}` |"))
        for name, value in adaptation.knobs.model_dump().items():
            assert f"`{name}` ({str(value).lower()}" in row, f"{method}.{name}"
