import pytest

from abreast.errors import AbreastError
from abreast.learning.folder import model_digest, read_card, verify


def test_the_digest_follows_names_and_contents(tmp_path):
    (tmp_path / "a").write_text("x")
    first = model_digest(tmp_path)
    verify(tmp_path, first)
    (tmp_path / "a").rename(tmp_path / "b")
    assert model_digest(tmp_path) != first
    (tmp_path / "b").rename(tmp_path / "a")
    (tmp_path / "a").write_text("y")
    with pytest.raises(AbreastError, match="changed or damaged"):
        verify(tmp_path, first)


def test_an_incomplete_or_damaged_folder_is_refused(tmp_path):
    with pytest.raises(AbreastError, match=r"abreast\.json is missing"):
        read_card(tmp_path)
    for name in ("abreast.json", "adapter_model.safetensors", "adapter_config.json"):
        (tmp_path / name).write_text("{}")
    with pytest.raises(AbreastError, match=r"abreast\.json: base: "):
        read_card(tmp_path)
    with pytest.raises(AbreastError, match="no such model folder"):
        model_digest(tmp_path / "none")
