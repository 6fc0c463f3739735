"""The desk as it is now, copied once, with its data prepared: what all trials of a study are run on.

What is copied, in which order stages run and by which commands is read from dvc.yaml, as `dvc repro` does.
"""

import contextlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from abreast.core.errors import AbreastError
from abreast.core.files import publish, staging_folder
from abreast.core.project import Project
from abreast.dataset.examples import read_questions
from abreast.knowledge.drop import read_delivery
from abreast.knowledge.snapshot import SNAPSHOT, DropRef, Snapshot, load_snapshot, save_snapshot
from abreast.tuning.process import running

if TYPE_CHECKING:
    from dvc.stage import PipelineStage

TRAIN = "train"
_ARRIVED = "1970-01-01T00:00:00Z"  # a drop that lies there has not arrived


@dataclass(frozen=True)
class Prepared:
    """`folder` holds `desk/`, on which the command `train` can be run, and all else that the study leaves.

    `dev` is how many development questions there are.
    """

    folder: Path
    train: str
    dev: int

    @property
    def desk(self) -> Path:
        return self.folder / "desk"

    @property
    def study(self) -> str:
        """The study's name: equal inputs, equal name."""
        return self.folder.name


def snapshot_for(project: Project, delivery: Path | None) -> Snapshot:
    """The snapshot at the desk, or that of a first model which learns only the clean folder `delivery`.

    Raises:
        AbreastError: there is none, or the folder is no clean delivery.
    """
    if delivery is None:
        return load_snapshot(project.root)
    if not delivery.is_dir():
        raise AbreastError(f"{delivery}: no such folder; --on names a delivery such as samples/drops/01-2024-q2")
    info, _ = read_delivery(delivery, delivery.resolve().name, _ARRIVED)
    ref = DropRef(digest=info.digest, path=f"data/drops/{info.digest}", arrived_at=_ARRIVED, name=info.name)
    return Snapshot(drops=(ref,))


def prepare(project: Project, snapshot: Snapshot, delivery: Path | None, about: object) -> Prepared:
    """Copy what the training depends on, and run the stages before it; what was prepared before is taken as it is.

    Args:
        delivery: where the snapshot's drop lies, if not where the snapshot says.
        about: whatever else tells one study from another, as JSON.

    Raises:
        AbreastError: a stage refuses the data, with its reason, or there is nothing to search by.
    """
    stages = _stages(project.root)
    with staging_folder(project.home.tuning) as new:
        _copy(project.root, stages, new / "desk")
        save_snapshot(new / "desk", snapshot)
        folder = project.home.tuning / _name(new / "desk", about)
        if not folder.exists():
            _link_data(project.root, snapshot, delivery, new / "desk")
            for stage in stages[:-1]:
                with running(project, stage.cmd, new / "desk", new / f"{stage.name}.log") as process:
                    process.wait()
            publish(new, folder)
    dev = len(read_questions(folder / "desk/data/dev.jsonl"))
    if not dev:
        raise AbreastError("the snapshot gives no development question, by which trials would be compared; name more")
    return Prepared(folder, stages[-1].cmd, dev)


def _stages(root: Path) -> "list[PipelineStage]":
    """The stages that end in `train`, each after those that it depends on."""
    import networkx
    from dvc.repo import Repo
    from dvc.stage import PipelineStage

    with contextlib.chdir(root), Repo(str(root)) as repo:
        last = next(s for s in repo.index.stages if isinstance(s, PipelineStage) and s.name == TRAIN)
        ordered = networkx.dfs_postorder_nodes(repo.index.graph, last)
        return [stage for stage in ordered if isinstance(stage, PipelineStage)]


def _copy(root: Path, stages: "list[PipelineStage]", into: Path) -> None:
    """The files that the stages depend on and do not make themselves, and the packages' empty files."""
    made = {out.def_path for stage in stages for out in stage.outs}
    deps = {dep.def_path for stage in stages for dep in stage.deps} - made - {SNAPSHOT}
    for name in sorted(deps):
        source, target = root / name, into / name
        if not source.exists():
            raise AbreastError(f"{source}: no such file; dvc.yaml names it as what a stage depends on")
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(source, target)
        for package in _packages(root, source):
            shutil.copy2(package, into / package.relative_to(root))


def _packages(root: Path, source: Path) -> Iterator[Path]:
    """The `__init__.py` of each package that a file lies in."""
    for folder in source.parents:
        if folder == root or not (folder / "__init__.py").is_file():
            return
        yield folder / "__init__.py"


def _name(desk: Path, about: object) -> str:
    digest = sha256(json.dumps(about, sort_keys=True).encode())
    for path in sorted(path for path in desk.rglob("*") if path.is_file()):
        if path.name != "params.yaml":  # the knobs are in `about`, less those that no trial depends on
            digest.update(f"\0{path.relative_to(desk)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def _link_data(root: Path, snapshot: Snapshot, delivery: Path | None, desk: Path) -> None:
    """Drops and parent are named by content and are not copied."""
    places = {ref.path: delivery or root / ref.path for ref in snapshot.drops}
    if snapshot.parent is not None:
        places[snapshot.parent.path] = root / snapshot.parent.path
    for path, source in places.items():
        (desk / path).parent.mkdir(parents=True, exist_ok=True)
        (desk / path).symlink_to(source.resolve())
