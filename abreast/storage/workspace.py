"""The clone in which one update runs: prepared from a commit, run stage by stage, kept as a git tag.

A clone shares the DVC cache and the git objects of its origin, and never touches the user's working tree.
"""

import contextlib
import logging
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from abreast.core.crash_points import crash_point
from abreast.core.disk_errors import storage_refusal
from abreast.core.environment import environment
from abreast.core.errors import AbreastError, Unavailable, one_line
from abreast.core.git import git
from abreast.core.project import Project
from abreast.core.settings import Params, load_params
from abreast.core.stage import TRY_AGAIN
from abreast.knowledge.snapshot import Snapshot, save_snapshot
from abreast.storage.dvc_cache import Pointer, configure_clone, opened, place, push

# How DVC words the end of a stage by SIGKILL: of its shell, or of the process in it.
KILLED = re.compile(r"exited with (-9|137)$")


class StageKilled(Unavailable):
    """A stage was ended by SIGKILL (someone, or the kernel for want of memory); running it again resumes it."""


@dataclass(frozen=True)
class Workspace:
    """One update's folder: `clone/` beside `progress.json` and `failure.txt`."""

    project: Project
    run: str

    @property
    def folder(self) -> Path:
        return self.project.home.runs / self.run

    @property
    def clone(self) -> Path:
        return self.folder / "clone"

    @property
    def progress(self) -> Path:
        return self.folder / "progress.json"

    @property
    def params(self) -> Params:
        """The settings of the commit that the update runs on, whatever the working tree says meanwhile.

        Raises:
            AbreastError: the commit's `params.yaml` is not readable, or holds an unknown or ill-typed knob.
        """
        return load_params(self.clone)

    def prepare(self, commit: str, snapshot: Snapshot, pointers: Mapping[str, Pointer]) -> None:
        """Clone `commit` and lay the snapshot's inputs in it; a clone that was finished before is left as it is.

        Args:
            pointers: path in the clone -> what DVC holds for it, such as `data/drops/<digest>` or `data/parent/model`.
        """
        ready = self.folder / "ready"
        if ready.exists():
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        source, target = str(self.project.root), str(self.clone)
        git(self.folder, "clone", "--quiet", "--no-checkout", source, target, crash_after="workspace.cloned")
        git(self.clone, "checkout", "--quiet", "--detach", commit)
        configure_clone(self.clone, self.project.home, self.project.params.storage, self.project.root)
        crash_point("workspace.configured")
        save_snapshot(self.clone, snapshot)
        for path, pointer in pointers.items():
            place(self.clone, path, pointer)
        crash_point("workspace.laid")
        ready.touch()
        crash_point("workspace.ready")

    def stages(self) -> list[str]:
        """The stages of `dvc.yaml`, each after those that it depends on."""
        import networkx
        from dvc.repo import Repo
        from dvc.stage import PipelineStage

        with _inside(self.clone), Repo(str(self.clone)) as repo:
            # DVC's edges lead from a stage to what it depends on, so that post-order puts dependencies first.
            ordered = networkx.dfs_postorder_nodes(repo.index.graph)
            return [stage.name for stage in ordered if isinstance(stage, PipelineStage)]

    def reproduce(self, stage: str, force: bool = False) -> bool:
        """Run one stage unless it is up to date or in the run cache; whether anything had to be done.

        With `force` it is run in any case.

        Raises:
            StageKilled: the stage's process was killed, or an earlier kill hit DVC itself; run it again.
            AbreastError: the stage refused, with its own one-line reason, or failed.
        """
        from dvc.exceptions import ReproductionError
        from dvc.repo import Repo

        failure = self.folder / "failure.txt"
        failure.unlink(missing_ok=True)
        logging.getLogger("dvc").setLevel(logging.WARNING)
        with _inside(self.clone), self._stage_environment(failure), Repo(str(self.clone)) as repo:
            try:
                crash_point("stage.wanted")
                ran = bool(repo.reproduce(targets=[stage], single_item=True, force=force))
                crash_point("stage.done")
                return ran
            except ReproductionError as error:
                if isinstance(error.__cause__, TypeError) and _remove_empty_entries(self.project.home.cache):
                    raise StageKilled(
                        f"stage {stage}: a kill had left DVC's run cache half written; run it again"
                    ) from error
                raise _explain(stage, error, failure) from error
            except OSError as error:
                raise storage_refusal(self.clone, error) from error

    @contextlib.contextmanager
    def _stage_environment(self, failure: Path) -> Iterator[None]:
        before = dict(os.environ)
        os.environ.update(environment(self.project))
        os.environ.update(
            ABREAST_PROGRESS=str(self.progress), ABREAST_FAILURE=str(failure), ABREAST_OWNER=str(os.getpid())
        )
        try:
            yield
        finally:
            os.environ.clear()
            os.environ.update(before)

    def outputs(self) -> dict[str, Pointer]:
        """What DVC holds for every output of the finished stages: path -> pointer, from `dvc.lock`."""
        import yaml

        lock = yaml.safe_load((self.clone / "dvc.lock").read_text())
        outs = [out for stage in lock["stages"].values() for out in stage.get("outs", [])]
        return {out["path"]: Pointer(md5=out["md5"], size=out["size"], nfiles=out.get("nfiles")) for out in outs}

    def push(self) -> None:
        """Bring every output into the DVC remote; what it holds already is not sent again.

        DVC's own `push` would look through the whole history of runs, and trusts an index that a kill makes lie.
        """
        with opened(self.clone) as repo:
            for path, pointer in self.outputs().items():
                push(repo, pointer, path)
                crash_point("workspace.pushing")
        crash_point("workspace.pushed")

    def keep(self, tag: str, message: str) -> str:
        """Commit the clone and put the commit into its origin under `tag`; returns the commit.

        The origin's working tree, branches and index stay as they are.
        """
        tracked = ["snapshot.json", "dvc.lock", *map(str, self.clone.glob("data/*/*.dvc"))]
        git(self.clone, "add", "--force", *tracked)
        if git(self.clone, "diff", "--cached", "--name-only"):
            git(self.clone, "commit", "--quiet", "--no-verify", "--message", message)
        crash_point("workspace.committed")
        git(self.clone, "tag", "--force", tag, crash_after="workspace.tagged")
        git(self.clone, "push", "--quiet", "--force", "origin", f"refs/tags/{tag}", crash_after="workspace.kept")
        return git(self.clone, "rev-parse", "HEAD")

    def remove(self) -> None:
        """Delete the folder; everything that matters is in the DVC cache, git and the registry by then."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _remove_empty_entries(cache: Path) -> bool:
    """Remove entries of DVC's run cache that hold nothing; whether there were any.

    DVC 3.67 makes an entry's folder before its file, and after a kill between the two no stage with the same inputs
    would ever run again: it looks for the newest file of the folder and finds none.
    """
    empty = [folder for folder in (cache / "runs").glob("*/*") if not any(folder.iterdir())]
    for folder in empty:
        folder.rmdir()
    return bool(empty)


def _explain(stage: str, error: Exception, failure: Path) -> AbreastError:
    cause = error.__cause__ or error
    if KILLED.search(str(cause)):
        return StageKilled(f"stage {stage}: its process was killed; run it again, finished work is not repeated")
    if failure.exists():
        kind = Unavailable if str(cause).endswith(f"exited with {TRY_AGAIN}") else AbreastError
        return kind(f"stage {stage}: {failure.read_text()}")
    return AbreastError(f"stage {stage}: {one_line(cause)}; what it printed is in the run's log")


@contextlib.contextmanager
def _inside(folder: Path) -> Iterator[None]:
    """DVC resolves targets against the working directory."""
    with contextlib.chdir(folder):
        yield
