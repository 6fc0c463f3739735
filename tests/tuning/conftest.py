"""A project whose trials are trained by a fake stage."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from abreast.core.project import Project
from abreast.tuning.prepared_study import COPY, PreparedStudy
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
def prepared(tmp_path: Path) -> PreparedStudy:
    folder = tmp_path / tmp_path.name
    (folder / COPY).mkdir(parents=True)
    (folder / COPY / "snapshot.json").write_text("{}")
    stage = Path(__file__).with_name("fake_train_stage.py")
    return PreparedStudy(folder, f"{sys.executable} {stage}", dev_questions=10)
