import stat
from pathlib import Path

import pytest

from abreast.core.files import flush, new_file, new_folder, publish, remove_staging, staging_folder, write_text


def test_a_file_is_replaced_whole_and_its_folder_is_made(tmp_path: Path):
    path = tmp_path / "reports" / "a.txt"
    write_text(path, "é1")
    write_text(path, "2")
    assert path.read_text(encoding="utf-8") == "2"
    assert [*path.parent.iterdir()] == [path]


def test_a_failed_write_leaves_the_file_as_it_was_and_nothing_beside_it(tmp_path: Path):
    path = tmp_path / "a.txt"
    path.write_text("before")
    with pytest.raises(OSError, match="full"), new_file(path) as partial:
        partial.write_text("ha")
        raise OSError("full")
    assert path.read_text() == "before"
    assert [*tmp_path.iterdir()] == [path]


@pytest.mark.parametrize(("private", "mode"), [(True, 0o700), (False, 0o755)])
def test_a_folder_appears_whole_with_its_mode(tmp_path: Path, private: bool, mode: int):
    target = tmp_path / "deep" / "a"
    with new_folder(target, private=private) as staging:
        (staging / "x").write_text("1")
        flush(staging / "x")
        assert not target.exists()
    assert (target / "x").read_text() == "1"
    assert stat.S_IMODE(target.stat().st_mode) == mode
    assert [*target.parent.iterdir()] == [target]


def test_a_folder_that_is_there_already_is_kept_unless_it_is_to_be_replaced(tmp_path: Path):
    target = tmp_path / "a"
    with new_folder(target) as staging:
        (staging / "x").write_text("first")
    with pytest.raises(FileExistsError, match=str(target)), new_folder(target) as staging:
        (staging / "x").write_text("second")
    assert (target / "x").read_text() == "first"
    with new_folder(target, replace=True) as staging:
        (staging / "x").write_text("third")
    assert (target / "x").read_text() == "third"
    assert [*tmp_path.iterdir()] == [target]


def test_a_file_under_the_name_of_a_folder_is_kept(tmp_path: Path):
    (tmp_path / "a").write_text("file")
    with pytest.raises(FileExistsError), new_folder(tmp_path / "a") as staging:
        (staging / "x").write_text("1")
    assert (tmp_path / "a").read_text() == "file"


def test_a_folder_may_get_its_name_from_its_content(tmp_path: Path):
    with staging_folder(tmp_path) as staging:
        (staging / "x").write_text("1")
        publish(staging, tmp_path / "one")
    with staging_folder(tmp_path):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["one"]


def test_what_a_kill_left_is_removed_by_name(tmp_path: Path):
    for name in (".incoming-a-1", ".incoming-b-1", "c"):
        (tmp_path / name).mkdir()
    remove_staging(tmp_path, "a-")
    assert sorted(path.name for path in tmp_path.iterdir()) == [".incoming-b-1", "c"]
    remove_staging(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["c"]
