"""Proof of a version: its tag is checked out afresh, its bytes come from the DVC remote and are held against every
record of them; and, if that is wanted, it is made a second time.

Nothing of the project's own cache is used: the proof has a home of its own. A model's digest covers the names and the
contents of all files of its folder: weights, config, manifest, carried state; there is no clock and no path in it.
"""

import dataclasses
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from math import isclose
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from abreast.core.errors import AbreastError
from abreast.core.git import git
from abreast.core.home import Home
from abreast.core.project import Project
from abreast.knowledge.snapshot import load_drop, load_snapshot
from abreast.learning.model_folder import model_digest, verify
from abreast.ledger import Ledger, Version
from abreast.lifecycle.snapshots import snapshot_of
from abreast.reports.reports import read_metrics
from abreast.storage.dvc_cache import Pointer, fetch, opened
from abreast.storage.workspace import Workspace
from abreast.tracking.registry import Registry
from abreast.tracking.run_log import flatten


class ReproductionResult(BaseModel):
    """A second making: the digests of the model, the outputs whose bytes differ, and how far its measures are off.

    `measures` holds, for each measure of the candidate that is another by more than the tolerance, both values.
    """

    model_config = ConfigDict(frozen=True)

    device: str
    recorded: str
    digest: str
    equal: tuple[str, ...]
    different: tuple[str, ...]
    measures: dict[str, tuple[float | None, float | None]]

    @property
    def reproduced(self) -> bool:
        """On a CPU every bit of the model must be the same; a GPU adds up in no fixed order."""
        return self.digest == self.recorded or (self.device != "cpu" and not self.measures)


def verify_version(
    project: Project, ledger: Ledger, registry: Registry, version: Version, workspace: Workspace
) -> Iterator[str]:
    """Hold a promoted version against all that is recorded of it; yields a line for each thing that was proven.

    Args:
        workspace: as `fresh_workspace` gives it; afterwards its clone is as the update left it.

    Raises:
        AbreastError: something is missing, or is not what was recorded; the message says what.
        Unavailable: MLflow or the remote does not answer.
    """
    yield from _check_out(project, ledger, version, workspace)
    yield from _inputs(workspace.clone)
    for path, pointer in workspace.outputs().items():
        _check_output(workspace.clone, path, pointer)
        yield f"{path}: fetched from the remote, its bytes are those of dvc.lock ({pointer.md5})"
    _check_stages(workspace.clone)
    yield "dvc.lock: code, knobs and data of every stage are those of the tag, nothing would be run again"
    _same("model: its digest", model_digest(workspace.clone / "model"), "the ledger's", version.digest)
    yield f"model: its digest is the one in the ledger ({version.digest[:12]})"
    registry.check(version.number, version.digest)
    yield "model: the files in MLflow, and the digest recorded there, are the same"


def fresh_workspace(project: Project, version: Version, folder: Path) -> Workspace:
    """A workspace in `folder`, which shares neither cache nor checkpoints with the project."""
    return Workspace(dataclasses.replace(project, home=Home(folder)), f"reproduce-{version.name}")


def retrain_version(workspace: Workspace, version: Version, tolerance: float) -> Iterator[str | ReproductionResult]:
    """Run every stage of a proven workspace again; yields a line for each stage, and at the end what came out.

    Args:
        tolerance: how far a measure may be off, absolutely or in proportion, to count as the same.

    Raises:
        AbreastError: a stage refuses.
    """
    before, measured = workspace.outputs(), _measures(workspace.clone)
    with _threads_as_recorded(workspace.clone):
        for stage in workspace.stages():
            workspace.reproduce(stage, force=True)
            yield f"{stage}: run again"
    after, again = workspace.outputs(), _measures(workspace.clone)
    off = {name: (measured.get(name), again.get(name)) for name in sorted({*measured, *again})}
    yield ReproductionResult(
        device=_device(workspace.project),
        recorded=version.digest,
        digest=model_digest(workspace.clone / "model"),
        equal=tuple(path for path in before if after.get(path) == before[path]),
        different=tuple(path for path in {**before, **after} if after.get(path) != before.get(path)),
        measures={name: pair for name, pair in off.items() if not _close(*pair, tolerance)},
    )


@contextmanager
def _threads_as_recorded(clone: Path) -> Iterator[None]:
    """Train with as many threads as before, unless OMP_NUM_THREADS is set: another number gives other last bits."""
    threads = json.loads((clone / "reports/train.json").read_text()).get("threads")
    if threads is None or "OMP_NUM_THREADS" in os.environ:
        yield
        return
    os.environ["OMP_NUM_THREADS"] = str(threads)
    try:
        yield
    finally:
        del os.environ["OMP_NUM_THREADS"]


def _check_out(project: Project, ledger: Ledger, version: Version, workspace: Workspace) -> Iterator[str]:
    """The tag in a clone of its own, with the inputs of which the ledger knows, which must be those of the tag."""
    tag = f"model/{version.name}"
    try:
        commit = git(project.root, "rev-parse", "--verify", f"refs/tags/{tag}^{{commit}}")
    except AbreastError:
        raise AbreastError(f"git has no tag {tag}: only a version that passed and was promoted has one") from None
    update = ledger.updates.get(f"u{version.update:04d}")
    workspace.prepare(commit, *snapshot_of(ledger, update))
    if changed := git(workspace.clone, "status", "--porcelain", "--untracked-files=no"):
        raise AbreastError(
            f"{tag}: the ledger has other inputs of {update.id} than the tag: {' '.join(changed.split())}"
        )
    yield f"{tag}: commit {commit[:12]}, its drops and parent are those that the ledger has of {update.id}"
    if update.commit not in git(workspace.clone, "rev-list", "--max-count=2", "HEAD").split():
        raise AbreastError(f"{tag}: is not on top of {update.commit[:12]}, on which {update.id} ran")
    yield f"{tag}: on top of commit {update.commit[:12]}, on which {update.id} ran"


def _inputs(clone: Path) -> Iterator[str]:
    snapshot = load_snapshot(clone)
    for ref in snapshot.drops:
        info, _ = load_drop(clone, ref)
        yield f"drop {ref.name} ({ref.digest[:12]}): fetched from the remote, {info.accepted} records as accepted"
    if snapshot.parent is not None:
        verify(clone / snapshot.parent.model, snapshot.parent.digest)
        yield f"parent {snapshot.parent.version}: fetched from the remote, its digest is {snapshot.parent.digest[:12]}"


def _check_output(clone: Path, path: str, pointer: Pointer) -> None:
    """Fetch one output, put it into the clone, and read its bytes there."""
    with opened(clone) as repo:
        fetch(repo, pointer, path)
        for out in (out for stage in repo.index.stages for out in stage.outs):
            if Path(out.fs_path) == clone / path:
                out.checkout(force=True)
    _same(f"{path}: its bytes have md5", _md5(clone / path), "dvc.lock has", pointer.md5)


def _check_stages(clone: Path) -> None:
    """Nothing that a stage reads or writes differs from `dvc.lock`."""
    import contextlib

    from dvc.repo import Repo

    with contextlib.chdir(clone), Repo(str(clone)) as repo:
        if changed := repo.status():
            raise AbreastError(
                f"dvc.lock: not what the tag's code and knobs give: {', '.join(sorted(changed))} changed"
            )


def _md5(path: Path) -> str:
    """The content hash as DVC makes it: of a folder, of the list of its files and their hashes."""
    if path.is_file():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "md5").hexdigest()
    files = sorted(file for file in path.rglob("*") if file.is_file())
    listed = [{"md5": _md5(file), "relpath": file.relative_to(path).as_posix()} for file in files]
    listed.sort(key=lambda entry: entry["relpath"])
    return hashlib.md5(json.dumps(listed, sort_keys=True).encode()).hexdigest() + ".dir"


def _same(what: str, found: str, where: str, wanted: str) -> None:
    if found != wanted:
        raise AbreastError(f"{what} {found}, {where} {wanted}: not what was recorded")


def _measures(clone: Path) -> dict[str, float | None]:
    """The candidate's measures by dotted name."""
    measured = flatten(read_metrics(clone / "reports").candidate.model_dump())
    return {name: value for name, value in measured if value is None or isinstance(value, (int, float))}


def _close(left: float | None, right: float | None, tolerance: float) -> bool:
    if left is None or right is None:
        return left is right
    return isclose(left, right, rel_tol=tolerance, abs_tol=tolerance)


def _device(project: Project) -> str:
    """`cpu` or another: where the stages run, as the knob `model.device` says."""
    import torch

    device = project.params.model.device
    return ("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device
