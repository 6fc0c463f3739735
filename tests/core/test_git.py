from pathlib import Path

import pytest

from abreast.core.errors import AbreastError
from abreast.core.git import git, git_or_none

pytestmark = pytest.mark.process


def test_git_works_without_a_configured_identity(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
    git(tmp_path, "init", "--quiet", "here")
    here = tmp_path / "here"
    (here / "a.txt").write_text("1")
    git(here, "add", "a.txt")
    git(here, "commit", "--quiet", "--message", "first")
    (here / "a.txt").write_text("2")
    assert git(here, "log", "--format=%s %an") == "first Abreast"
    assert git(here, "status", "--porcelain") == " M a.txt"


def test_a_refusal_is_one_line_that_names_command_and_folder(tmp_path: Path):
    git(tmp_path, "init", "--quiet")
    with pytest.raises(AbreastError, match=f"git show in {tmp_path} failed: .*nothing") as refused:
        git(tmp_path, "show", "nothing")
    assert "\n" not in str(refused.value)
    assert git_or_none(tmp_path, "show", "nothing") is None


def test_a_machine_without_git_is_told_to_install_it(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(AbreastError, match="install git"):
        git_or_none(tmp_path, "status")
