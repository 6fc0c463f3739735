import pytest

from abreast.core.errors import AbreastError
from abreast.learning.model_folder import ModelManifest, model_digest, read_model_manifest, verify


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
        read_model_manifest(tmp_path)
    for name in ("abreast.json", "adapter_model.safetensors", "adapter_config.json"):
        (tmp_path / name).write_text("{}")
    with pytest.raises(AbreastError, match=r"abreast\.json: base: "):
        read_model_manifest(tmp_path)
    with pytest.raises(AbreastError, match="no such model folder"):
        model_digest(tmp_path / "none")


def test_a_folder_of_an_older_format_is_refused(tmp_path):
    for name in ("adapter_model.safetensors", "adapter_config.json"):
        (tmp_path / name).write_text("")
    manifest = ModelManifest(base="b", base_digest="d", prompt="{question}:", peft={"method": "full"}, top_layers=1)
    (tmp_path / "abreast.json").write_text(manifest.model_dump_json())
    assert read_model_manifest(tmp_path) == manifest
    (tmp_path / "abreast.json").write_text(
        manifest.model_dump_json().replace('"peft"', '"adapt"').replace('"top_layers"', '"layers"')
    )
    assert read_model_manifest(tmp_path) == manifest, "as a version before the knobs were renamed wrote it"
    (tmp_path / "abreast.json").write_text(manifest.model_copy(update={"format": 1}).model_dump_json())
    with pytest.raises(AbreastError, match=r"abreast\.json: format 1, .*not a manifest of this version"):
        read_model_manifest(tmp_path)
