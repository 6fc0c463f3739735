from pathlib import Path

import pytest

from abreast.core.project import Project
from abreast.knowledge.snapshot import Snapshot
from abreast.storage.dvc_cache import configure_clone
from abreast.storage.workspace import StageKilled, Workspace
from tests.installation import Installation


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    """A clone with one stage, which copies a file."""
    (tmp_path / "root").mkdir()
    project = Project.open(Installation(tmp_path / "root", {}).root)
    workspace = Workspace(project, "u0001")
    (workspace.clone / ".dvc").mkdir(parents=True)
    (workspace.clone / ".dvc/config").write_text("[core]\n    no_scm = True\n")
    configure_clone(workspace.clone, project.home, project.params.storage, project.root)
    (workspace.clone / "a").write_text("a")
    (workspace.clone / "dvc.yaml").write_text("stages: {copy: {cmd: cp a b, deps: [a], outs: [b]}}\n")
    return workspace


def test_a_finished_stage_comes_from_the_run_cache(workspace: Workspace):
    assert workspace.reproduce("copy")
    assert not workspace.reproduce("copy")
    assert (workspace.clone / "b").read_text() == "a"


def test_a_run_recovers_from_a_kill_within_dvc(workspace: Workspace):
    workspace.reproduce("copy")
    (entry,) = (workspace.project.home.cache / "runs").glob("*/*/*")
    entry.unlink()
    (workspace.clone / "dvc.lock").unlink()
    with pytest.raises(StageKilled, match="a kill had left DVC's run cache half written; run it again"):
        workspace.reproduce("copy")
    assert workspace.reproduce("copy")
    assert entry.exists()


def test_a_version_is_kept_again_after_a_kill_though_another_tracked_file_has_changed(tmp_path: Path):
    (tmp_path / "root").mkdir()
    project = Project.open(Installation(tmp_path / "root", {}).root)
    workspace = Workspace(project, "u0001")
    workspace.prepare(project.commit(), Snapshot(drops=()), {})
    (workspace.clone / "dvc.lock").write_text("stages: {}\n")
    kept = workspace.keep("model/v1", "first")
    (workspace.clone / "README.md").write_text("written anew by a step that was run again\n")
    assert workspace.keep("model/v1", "again") == kept


def test_an_update_reads_the_settings_of_its_commit_not_of_the_edited_working_tree(tmp_path: Path):
    installation = Installation(tmp_path / "root", {"train": {"epochs": 3}})
    project = Project.open(installation.root)
    workspace = Workspace(project, "u0001")
    workspace.prepare(project.commit(), Snapshot(drops=()), {})
    edited = installation.root / "params.yaml"
    edited.write_text(edited.read_text().replace("epochs: 3", "epochs: 5"))
    assert Project.open(installation.root).params.train.epochs == 5
    assert workspace.params.train.epochs == 3
