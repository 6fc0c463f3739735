from dataclasses import replace
from pathlib import Path

import pytest

from abreast.core.errors import AbreastError, Unavailable
from abreast.core.home import Home
from abreast.core.project import Project
from abreast.core.settings import Model, Params, Storage
from abreast.lifecycle.promoter import promote
from abreast.services.services import Services
from abreast.serving.ask import ask, model_folder
from tests.lifecycle.line import HOW, line

__all__ = ["line"]

QUESTION = "What is the capital of France?"


def services_of(folder: Path, name: str, uri: str, monkeypatch: pytest.MonkeyPatch) -> Services:
    """Services on the line's ledger."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    params = Params(model=Model(name=name), storage=Storage(ledger=f"sqlite:///{folder}/ledger.db"))
    return Services(Project(folder, params, Home(folder / "home")))


def untrained_adapter(folder: Path) -> None:
    """A complete model folder that answers as its base does."""
    from abreast.learning.adapters import complete, make_adaptation
    from abreast.learning.backbone.adapter import adapter_weights, add_adapter
    from abreast.learning.backbone.base_model import find_base, load_base
    from abreast.learning.model_folder import Candidate, Card, write_model_folder

    knobs = Model()
    base, adapt = find_base(knobs.base), complete({"method": "lora", "rank": 2})
    model, _, _ = load_base(knobs, base)
    settings = make_adaptation(adapt).settings(model, layers=1)
    card = Card(base=knobs.base, base_digest=base.digest, prompt=knobs.prompt, peft=adapt, top_layers=1)
    weights = adapter_weights(add_adapter(model, settings, "new"), "new")
    write_model_folder(folder, card, Candidate(settings, weights, (1,)))


def test_the_champion_answers_and_once_fetched_needs_no_server(line, tmp_path, monkeypatch, mlflow_uri):
    from abreast.inference.predictor import load_answerer

    promote(line.ledger, line.registry, line.register(model=untrained_adapter), **HOW)
    services = services_of(tmp_path, line.registry.name, mlflow_uri, monkeypatch)
    said = ask(services.project, services.ledger, services.registry, QUESTION)
    assert said == {
        "question": QUESTION,
        "answer": load_answerer(None, services.project.params.model).answer([QUESTION])[0],
        "version": "v1",
    }
    offline = services_of(tmp_path, line.registry.name, "http://127.0.0.1:1", monkeypatch)
    assert ask(offline.project, offline.ledger, offline.registry, QUESTION, version=1) == said


def test_any_version_can_be_asked_not_only_the_champion(line, tmp_path, monkeypatch):
    line.serve(1)
    line.register_aside()
    services = services_of(tmp_path, line.registry.name, line.uri, monkeypatch)
    (champion, first), (other, second) = (
        model_folder(services.project, services.ledger, services.registry),
        model_folder(services.project, services.ledger, services.registry, 2),
    )
    assert (champion, other) == (1, 2)
    assert (first / "adapter_model.safetensors").read_bytes() == b"u0001"
    assert (second / "adapter_model.safetensors").read_bytes() == b"u0002"


def test_a_model_that_was_not_fetched_yet_needs_the_server(line, tmp_path, monkeypatch):
    line.serve(1)
    offline = services_of(tmp_path, line.registry.name, "http://127.0.0.1:1", monkeypatch)
    with pytest.raises(Unavailable, match="MLflow does not answer"):
        ask(offline.project, offline.ledger, offline.registry, QUESTION)


def test_without_a_champion_it_says_what_to_do(tmp_path, monkeypatch):
    services = services_of(tmp_path, "empty", "http://127.0.0.1:1", monkeypatch)
    with pytest.raises(AbreastError, match="empty has no champion yet: .*`abreast drop PATH`"):
        ask(services.project, services.ledger, services.registry, QUESTION)
    with pytest.raises(AbreastError, match="no version v9 of empty"):
        ask(services.project, services.ledger, services.registry, QUESTION, version=9)
    with pytest.raises(AbreastError, match="the question is empty"):
        ask(services.project, services.ledger, services.registry, "  ")


def two_heads(folder: Path, base: Path) -> None:
    """An encoder whose head for labels always says `yes`, and whose head for numbers always says 7."""
    import torch

    from abreast.learning.adapters import complete, make_adaptation
    from abreast.learning.backbone.adapter import adapter_weights, add_adapter
    from abreast.learning.backbone.base_model import load_base
    from abreast.learning.encoder.folder import Heads
    from abreast.learning.encoder.head import rows_for
    from abreast.learning.encoder.labels import Labels, Scale
    from abreast.learning.model_folder import Candidate, Card, write_model_folder

    model, _, digest = load_base(Model(base=str(base)))
    adapt = complete({"method": "lora", "rank": 2})
    settings = make_adaptation(adapt).settings(model, layers=1)
    labels = Labels(classification=("no", "yes"), regression=Scale(mean=7.0, deviation=2.0))
    rows = rows_for(labels.rows(), model.config.hidden_size, {})
    rows["classification.bias"].data = torch.tensor([0.0, 1.0])
    weights = adapter_weights(add_adapter(model, settings, "new"), "new")
    card = Card(base=str(base), base_digest=digest, prompt=Model().prompt, peft=adapt, top_layers=1)
    write_model_folder(folder, card, Candidate(settings, weights, heads=Heads(labels, rows)))


def test_an_encoder_answers_with_the_head_that_is_named(line, tmp_path, monkeypatch):
    from tests.learning.tiny_encoder import write_tiny_encoder

    base = write_tiny_encoder(tmp_path / "base")
    promote(line.ledger, line.registry, line.register(model=lambda folder: two_heads(folder, base)), **HOW)
    services = services_of(tmp_path, line.registry.name, line.uri, monkeypatch)
    model = services.project.params.model.model_copy(update={"base": str(base)})
    project = replace(services.project, params=services.project.params.model_copy(update={"model": model}))
    services = Services(project)
    assert (
        ask(services.project, services.ledger, services.registry, "the lion ran", kind="classification")["answer"]
        == "yes"
    )
    assert ask(services.project, services.ledger, services.registry, "the lion ran", kind="regression")["answer"] == "7"
    with pytest.raises(AbreastError, match="heads for classification, regression, and no kind is named: ask with"):
        ask(services.project, services.ledger, services.registry, "the lion ran")
