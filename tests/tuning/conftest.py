"""A project whose trials are trained by a stage that stands in."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from abreast.core.project import Project
from abreast.tuning.prepared import Prepared
from tests.installation import SOURCE


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    root = tmp_path / "project"
    root.mkdir()
    shutil.copy2(SOURCE / "params.yaml", root)
    subprocess.run(["git", "init", "--quiet", str(root)], check=True)
    monkeypatch.setenv("ABREAST_HOME", str(tmp_path / "home"))
    return Project.open(root)


@pytest.fixture
def prepared(tmp_path: Path) -> Prepared:
    folder = tmp_path / tmp_path.name
    (folder / "desk").mkdir(parents=True)
    (folder / "desk/snapshot.json").write_text("{}")
    return Prepared(folder, f"{sys.executable} {Path(__file__).with_name('stage.py')}", dev=10)
