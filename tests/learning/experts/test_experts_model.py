"""Experts through the stage `train`: frozen experts stay byte for byte, new ones start fresh, the text decides."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from abreast.core.errors import AbreastError
from abreast.core.settings import Model, load_params
from abreast.inference.load import load_predictor
from abreast.learning.backbone.base_model import load_base
from abreast.learning.experts.expert_set import read_expert_set
from abreast.learning.methods import METHODS as TRAINING_METHODS
from abreast.learning.model_folder import model_digest, read_carried_state, read_model_manifest
from abreast.learning.trainer import train
from tests.learning.experts.two_domains import COLOURS, LETTERS, examples_of, questions, write_split, write_team
from tests.learning.methods.test_methods import MILD
from tests.learning.project import promote, train_killed_in, write_project

BOTH = [*questions("letters", LETTERS), *questions("colours", COLOURS)]


@pytest.fixture(scope="module")
def taught(tmp_path_factory, tiny_base):
    """Model folders of a first update: of letters alone, and of both domains."""
    folders = {}
    with pytest.MonkeyPatch.context() as patch:
        for name, lines, asked in (
            ("letters", examples_of("letters", LETTERS), BOTH[:3]),
            ("both", [*examples_of("letters", LETTERS), *examples_of("colours", COLOURS)], BOTH),
        ):
            root = write_team(tmp_path_factory.mktemp(name) / "project", tiny_base)
            patch.chdir(root)
            patch.setenv("ABREAST_HOME", str(root / "home"))
            write_split(lines, asked)
            train.main()
            folders[name] = root / "model"
    return folders


@pytest.fixture
def project(tmp_path, tiny_base, monkeypatch):
    root = write_team(tmp_path / "project", tiny_base)
    monkeypatch.chdir(root)
    write_split(examples_of("letters", LETTERS), questions("letters", LETTERS))
    return root


def content(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def answers() -> list[str]:
    return load_predictor(Path("model"), load_params().model).answer([question.question for question in BOTH])


def second_update(project: Path, tiny_base: Path, **knobs: object) -> None:
    """The first model becomes the parent; then colours are taught, and letters replayed."""
    write_team(project, tiny_base, **knobs)
    promote(project)
    old = examples_of("letters", LETTERS, "replayed")
    write_split([*examples_of("colours", COLOURS), *old], [*questions("letters", LETTERS, "retained"), *BOTH[3:]])


def test_a_new_domain_gets_its_own_adapter_and_the_others_stay_byte_for_byte(project, tiny_base, capfd, taught):
    shutil.copytree(taught["letters"], "model")
    assert read_model_manifest(Path("model")).experts == "domain"
    first = content(Path("model"))
    assert {name for name in first if "/" not in name} == {"abreast.json", "experts.json", "router.safetensors"}
    second_update(project, tiny_base)
    train.main()
    assert "experts: colours learn, 1 stay frozen; 3 of their examples are left out" in capfd.readouterr().out
    expert_set, router = read_expert_set(Path("model"))
    assert expert_set.experts == {"expert_0001": "letters", "expert_0002": "colours"}
    assert router.counts.tolist() == [3, 3]
    second = content(Path("model"))
    resting = [name for name in first if name.startswith("expert_0001/")]
    assert len(resting) == 2
    assert all(second[name] == first[name] for name in resting)
    assert answers() == [*LETTERS.values(), *COLOURS.values()]
    summary = json.loads(Path("reports/train.json").read_text())
    assert summary["dev_exact_match"] == 1.0, "the development questions go through the router"


def test_plain_peft_loads_each_expert(project, tiny_base, taught):
    from peft import PeftModel

    shutil.copytree(taught["both"], "model")
    base, _, _ = load_base(Model(base=str(tiny_base), device="cpu"))
    plain = PeftModel.from_pretrained(base, "model/expert_0001", adapter_name="expert_0001").eval()
    plain.load_adapter("model/expert_0002", adapter_name="expert_0002")
    predictor = load_predictor(Path("model"), load_params().model)
    for question in BOTH:
        text = predictor._prompt_tokenizer.pair(question.question, question.answer)
        plain.set_adapter("expert_0001" if question.domain == "colours" else "expert_0002")
        with torch.no_grad():
            wanted = plain(input_ids=torch.tensor([text.ids])).logits[0, text.prompt_length - 1 : -1]
            torch.testing.assert_close(predictor._backbone.logits([text])[0], wanted, rtol=1e-4, atol=1e-4)
    assert answers() == [*LETTERS.values(), *COLOURS.values()]


def test_a_known_domain_continues_its_own_expert(project, tiny_base, taught):
    shutil.copytree(taught["both"], "model")
    before = content(Path("model"))
    write_team(project, tiny_base)
    promote(project)
    again = {"a": "8.3", "d": "4.4"}
    write_split(
        examples_of("letters", again), [*questions("letters", again), *questions("colours", COLOURS, "retained")]
    )
    train.main()
    after = content(Path("model"))
    same = {name for name in before if after[name] == before[name]}
    assert {name for name in same if name.startswith("expert_")} == {
        "expert_0001/adapter_config.json",
        "expert_0001/adapter_model.safetensors",
        "expert_0002/adapter_config.json",
    }
    answered = dict(zip((question.key for question in BOTH), answers(), strict=True))
    assert answered["a"] == "8.3"
    assert {key: answered[key] for key in COLOURS} == COLOURS


def test_records_without_a_domain_and_raw_text_share_one_expert(project):
    text = examples_of("novels", {"t": "the cat sat on the mat"})[0].model_copy(update={"kind": "text", "question": ""})
    write_split([text, *examples_of("", {"k": "7"}), *examples_of("letters", LETTERS)], [])
    train.main()
    expert_set, router = read_expert_set(Path("model"))
    assert expert_set.experts == {"expert_0001": None, "expert_0002": "letters"}
    assert router.counts.tolist() == [1, 3], "raw text has no question"
    predictor = load_predictor(Path("model"), load_params().model)
    assert predictor.domains(["", "k is", "value of a"]) == [None, None, "letters"]
    assert predictor.answer(["k is"]) == ["7"]
    ((mean, tokens),) = predictor.score_text(["the cat sat on the mat"], ["t"])
    assert tokens > 10
    assert mean > -2.0, "it is learned"


def test_without_new_examples_the_model_is_the_parent(project, tiny_base, taught):
    shutil.copytree(taught["letters"], "model")
    before = content(Path("model"))
    write_team(project, tiny_base)
    promote(project)
    write_split(examples_of("letters", LETTERS, "replayed"), questions("letters", LETTERS, "retained"))
    train.main()
    assert content(Path("model")) == before
    assert json.loads(Path("reports/train.json").read_text())["stopped"] == "there was nothing to learn"


def test_without_examples_the_model_is_one_untrained_expert(project):
    write_split([], [])
    train.main()
    assert read_expert_set(Path("model"))[0].experts == {"expert_0001": None}
    untrained = load_predictor(None, load_params().model)
    assert load_predictor(Path("model"), load_params().model).answer(["value of a"]) == untrained.answer(["value of a"])


def test_a_killed_training_with_every_method_resumes_to_the_same_bytes(project, tiny_base, monkeypatch):
    remember = [{"method": method, **MILD.get(method, {})} for method in TRAINING_METHODS]
    write_team(project, tiny_base, regularizers=remember, epochs=4)
    write_split([*examples_of("letters", LETTERS), *examples_of("colours", COLOURS)], BOTH)
    train.main()
    kept = read_carried_state(Path("model"))
    second_update(project, tiny_base, regularizers=remember, epochs=4, gradient_accumulation_steps=2)
    taught = [
        *examples_of("colours", {"x": "gold"}),
        *examples_of("", {"k": "7"}),
        *examples_of("letters", LETTERS, "replayed"),
    ]
    write_split(taught, [*BOTH[4:], *questions("", {"k": "7"}), *questions("letters", LETTERS, "retained")])
    train.main()
    whole = model_digest(Path("model"))
    inherited_state = read_carried_state(Path("model"))
    resting = [name for name in kept if ".expert_0002." in name]
    assert resting
    assert all(torch.equal(inherited_state[name], kept[name]) for name in resting), (
        "the state of frozen experts is carried on"
    )
    train_killed_in(2, monkeypatch)
    train.main()
    assert model_digest(Path("model")) == whole


@pytest.mark.parametrize("init", ["pissa", "eva"])
def test_a_new_expert_is_initialised_by_its_adapter_method(project, tiny_base, init):
    adapt = {"method": "lora", "rank": 2, "alpha": 4, "init": init}
    write_team(project, tiny_base, peft=adapt, epochs=3)
    write_split([*examples_of("letters", LETTERS), *examples_of("colours", COLOURS)], BOTH)
    train.main()
    second_update(project, tiny_base, peft=adapt, epochs=3)
    write_split(examples_of("", {"k": "7"}), questions("", {"k": "7"}))
    train.main()
    assert len(read_expert_set(Path("model"))[0].experts) == 3


def test_the_parent_and_the_adapter_method_must_fit(project, tiny_base, taught):
    shutil.copytree(taught["letters"], "model")
    promote(project)
    write_project(project, tiny_base)
    promote(project)
    with pytest.raises(AbreastError, match=r"train\.experts is None, but the parent's adapter, .*has domain"):
        train.main()
    write_team(project, tiny_base, peft={"method": "lora", "rank": 4, "dora": True})
    with pytest.raises(
        AbreastError, match=r"train\.experts is domain, which needs train\.peft to be lora without dora"
    ):
        train.main()


def test_a_damaged_expert_set_is_refused(project, taught):
    shutil.copytree(taught["letters"], "model")
    parent = promote(project)
    for name, damage, message in (
        ("experts.json", '{"experts": {"../x": "a"}}', r"experts\.json: experts\.\.\./x"),
        ("experts.json", '{"experts": {}}', r"router\.safetensors: is for 1 experts, but experts\.json lists 0"),
        ("experts.json", '{"experts": {"expert_0002": "a"}}', r"expert_0002: .* adapter_model\.safetensors is missing"),
        ("router.safetensors", "nothing", r"router\.safetensors: not the router of a model with experts"),
    ):
        whole = (parent / name).read_bytes()
        (parent / name).write_text(damage)
        with pytest.raises(AbreastError, match=message):
            read_expert_set(parent)
        (parent / name).write_bytes(whole)
    assert read_expert_set(parent)[0].experts == {"expert_0001": "letters"}
