from dataclasses import replace
from pathlib import Path

import pytest

from abreast.core.errors import AbreastError, Unavailable
from abreast.core.home import Home
from abreast.core.project import Project
from abreast.core.settings import Evaluate, Model, Params, Storage
from abreast.lifecycle.promoter import promote_version
from abreast.services.services import Services
from abreast.serving.loaded_version import fetch_version, load_together, load_version
from tests.learning.tiny import write_tiny_base
from tests.lifecycle.model_line import HOW, line

__all__ = ["line"]

QUESTION = "What is the capital of France?"


def services_of(
    folder: Path, name: str, uri: str, monkeypatch: pytest.MonkeyPatch, base: str = Model().base
) -> Services:
    """Services on the line's ledger."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    params = Params(model=Model(name=name, base=base), storage=Storage(ledger=f"sqlite:///{folder}/ledger.db"))
    return Services(Project(folder, params, Home(folder / "home")))


def untrained_adapter(folder: Path, knobs: Model | None = None) -> None:
    """A complete model folder that answers as its base does."""
    from abreast.learning.adapters import make_adapter_method, with_defaults
    from abreast.learning.backbone.adapter import adapter_weights, add_adapter
    from abreast.learning.backbone.base_model import find_base, load_base
    from abreast.learning.model_folder import ModelManifest, TrainedAdapter, write_model_folder

    knobs = knobs or Model()
    base, adapt = find_base(knobs.base), with_defaults({"method": "lora", "rank": 2})
    model, _, _ = load_base(knobs, base)
    settings = make_adapter_method(adapt).peft_config(model, layers=1)
    card = ModelManifest(base=knobs.base, base_digest=base.digest, prompt=knobs.prompt, peft=adapt, top_layers=1)
    weights = adapter_weights(add_adapter(model, settings, "new"), "new")
    write_model_folder(folder, card, TrainedAdapter(settings, weights, (1,)))


def test_the_champion_answers_and_once_fetched_needs_no_server(line, tmp_path, monkeypatch, mlflow_uri, tiny_project):
    from abreast.inference.load import load_predictor

    knobs = tiny_project.params.model
    version = line.register(model=lambda folder: untrained_adapter(folder, knobs))
    promote_version(line.ledger, line.registry, version, **HOW)
    services = services_of(tmp_path, line.registry.name, mlflow_uri, monkeypatch, knobs.base)
    champion = load_version(services.project, services.ledger, services.registry)
    assert champion.name == "v1"
    answers = champion.answer([QUESTION])
    assert answers == load_predictor(None, knobs, services.project.params.evaluate).answer([QUESTION])
    offline = services_of(tmp_path, line.registry.name, "http://127.0.0.1:1", monkeypatch, knobs.base)
    again = load_version(offline.project, offline.ledger, offline.registry, version=1)
    assert (again.name, again.answer([QUESTION])) == ("v1", answers)


def test_any_version_can_be_asked_not_only_the_champion(line, tmp_path, monkeypatch):
    line.serve(1)
    line.register_aside()
    services = services_of(tmp_path, line.registry.name, line.uri, monkeypatch)
    (champion, first), (other, second) = (
        fetch_version(services.project, services.ledger, services.registry),
        fetch_version(services.project, services.ledger, services.registry, 2),
    )
    assert (champion, other) == (1, 2)
    assert (first / "adapter_model.safetensors").read_bytes() == b"u0001"
    assert (second / "adapter_model.safetensors").read_bytes() == b"u0002"


def test_a_model_that_was_not_fetched_yet_needs_the_server(line, tmp_path, monkeypatch):
    line.serve(1)
    offline = services_of(tmp_path, line.registry.name, "http://127.0.0.1:1", monkeypatch)
    with pytest.raises(Unavailable, match="MLflow does not answer"):
        load_version(offline.project, offline.ledger, offline.registry)


def test_without_a_champion_it_says_what_to_do(tmp_path, monkeypatch):
    services = services_of(tmp_path, "empty", "http://127.0.0.1:1", monkeypatch)
    with pytest.raises(AbreastError, match="empty has no champion yet: .*`abreast drop PATH`"):
        load_version(services.project, services.ledger, services.registry)
    with pytest.raises(AbreastError, match="no version v9 of empty"):
        load_version(services.project, services.ledger, services.registry, version=9)


@pytest.fixture(scope="module")
def tiny_project(tmp_path_factory) -> Project:
    """A project on a tiny base, with a model folder `model` that answers as the base does."""
    folder = tmp_path_factory.mktemp("tiny")
    model = Model(base=str(write_tiny_base(folder / "base")))
    untrained_adapter(folder / "model", model)
    return Project(folder, Params(model=model), Home(folder / "home"))


def limited_to(project: Project, tokens: int) -> Project:
    evaluate = Evaluate(max_new_tokens=tokens, batch_size=2)
    return replace(project, params=project.params.model_copy(update={"evaluate": evaluate}))


def test_an_answer_is_as_long_as_the_project_allows(tiny_project):
    questions = ["What?", "Who is it?", "When was it?"]
    answers = {}
    for tokens in (3, 40):
        (loaded,) = load_together(limited_to(tiny_project, tokens), {"v1": tiny_project.root / "model"})
        answers[tokens] = loaded.answer(questions)
    for short, long in zip(answers[3], answers[40], strict=True):
        assert long.startswith(short)
    assert max(map(len, answers[3])) <= 3, "a byte a token"
    assert max(map(len, answers[40])) > 12, "not cut at the default"


def test_versions_loaded_together_answer_as_each_alone(tiny_project):
    both = load_together(tiny_project, {"untrained base": None, "v1": tiny_project.root / "model"})
    assert [version.name for version in both] == ["untrained base", "v1"]
    assert both[0].answer(["What?"]) == both[1].answer(["What?"])


def test_an_empty_question_is_refused(tiny_project):
    (loaded,) = load_together(tiny_project, {"base": None})
    with pytest.raises(AbreastError, match="the question is empty"):
        loaded.answer(["What?", "  "])


def two_heads(folder: Path, base: Path) -> None:
    """An encoder whose head for labels always says `yes`, and whose head for numbers always says 7."""
    import torch

    from abreast.learning.adapters import make_adapter_method, with_defaults
    from abreast.learning.backbone.adapter import adapter_weights, add_adapter
    from abreast.learning.backbone.base_model import load_base
    from abreast.learning.encoder.head import extend_rows
    from abreast.learning.encoder.label_set import Labels, Scale
    from abreast.learning.encoder.saved_heads import Heads
    from abreast.learning.model_folder import ModelManifest, TrainedAdapter, write_model_folder

    model, _, digest = load_base(Model(base=str(base)))
    adapt = with_defaults({"method": "lora", "rank": 2})
    settings = make_adapter_method(adapt).peft_config(model, layers=1)
    labels = Labels(classification=("no", "yes"), regression=Scale(mean=7.0, deviation=2.0))
    rows = extend_rows(labels.rows(), model.config.hidden_size, {})
    rows["classification.bias"].data = torch.tensor([0.0, 1.0])
    weights = adapter_weights(add_adapter(model, settings, "new"), "new")
    card = ModelManifest(base=str(base), base_digest=digest, prompt=Model().prompt, peft=adapt, top_layers=1)
    write_model_folder(folder, card, TrainedAdapter(settings, weights, heads=Heads(labels, rows)))


def test_an_encoder_answers_with_the_head_that_is_named(line, tmp_path, monkeypatch):
    from tests.learning.tiny_encoder import write_tiny_encoder

    base = write_tiny_encoder(tmp_path / "base")
    promote_version(line.ledger, line.registry, line.register(model=lambda folder: two_heads(folder, base)), **HOW)
    services = services_of(tmp_path, line.registry.name, line.uri, monkeypatch)
    model = services.project.params.model.model_copy(update={"base": str(base)})
    project = replace(services.project, params=services.project.params.model_copy(update={"model": model}))
    champion = load_version(project, services.ledger, services.registry)
    assert champion.answer(["the lion ran"], "classification") == ["yes"]
    assert champion.answer(["the lion ran"], "regression") == ["7"]
    with pytest.raises(AbreastError, match="heads for classification, regression, and no kind is given: ask with"):
        champion.answer(["the lion ran"])
