"""The working tree, copied once, with its data prepared: all trials of a study run on this copy.

dvc.yaml says what is copied, and which stages run by which commands in which order, as for `dvc repro`.
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
from abreast.tuning.stage_process import stage_process

if TYPE_CHECKING:
    from dvc.stage import PipelineStage

TRAIN = "train"
COPY = "project"
_ARRIVED = "1970-01-01T00:00:00Z"  # a folder that is only read has not arrived


@dataclass(frozen=True)
class PreparedStudy:
    """`folder` holds `project/`, where the command `train` runs, and everything else of the study."""

    folder: Path
    train: str
    dev_questions: int

    @property
    def project_copy(self) -> Path:
        return self.folder / COPY

    @property
    def study(self) -> str:
        """The study's name: equal inputs, equal name."""
        return self.folder.name


def snapshot_for(project: Project, delivery: Path | None) -> Snapshot:
    """The snapshot in the working tree, or one for a first model that learns only the clean folder `delivery`.

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


def prepare(project: Project, snapshot: Snapshot, delivery: Path | None, about: object) -> PreparedStudy:
    """Copy what the training depends on, and run the stages before it; a study prepared before is reused.

    Args:
        delivery: where the snapshot's drop lies, if not where the snapshot says.
        about: JSON that also distinguishes one study from another.

    Raises:
        AbreastError: a stage refuses the data, with its reason, or there are no development questions.
    """
    stages = _stages(project.root)
    with staging_folder(project.home.tuning) as new:
        _copy(project.root, stages, new / COPY)
        save_snapshot(new / COPY, snapshot)
        folder = project.home.tuning / _study_name(new / COPY, about)
        if not folder.exists():
            _link_data(project.root, snapshot, delivery, new / COPY)
            for stage in stages[:-1]:
                with stage_process(project, stage.cmd, new / COPY, new / f"{stage.name}.log") as process:
                    process.wait()
            publish(new, folder)
    dev_questions = len(read_questions(folder / COPY / "data/dev.jsonl"))
    if not dev_questions:
        raise AbreastError("the snapshot gives no development question to compare trials by; give more data")
    return PreparedStudy(folder, stages[-1].cmd, dev_questions)


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
    """Copy the files that the stages depend on and do not make themselves, and the packages' `__init__.py`."""
    outputs = {out.def_path for stage in stages for out in stage.outs}
    deps = {dep.def_path for stage in stages for dep in stage.deps} - outputs - {SNAPSHOT}
    for name in sorted(deps):
        source, target = root / name, into / name
        if not source.exists():
            raise AbreastError(f"{source}: no such file; a stage in dvc.yaml depends on it")
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


def _study_name(copy: Path, about: object) -> str:
    digest = sha256(json.dumps(about, sort_keys=True).encode())
    for path in sorted(path for path in copy.rglob("*") if path.is_file()):
        if path.name != "params.yaml":  # `about` has the knobs, without those that no trial depends on
            digest.update(f"\0{path.relative_to(copy)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def _link_data(root: Path, snapshot: Snapshot, delivery: Path | None, copy: Path) -> None:
    """Link drops and parent: they are named by their content, so they need no copy."""
    places = {ref.path: delivery or root / ref.path for ref in snapshot.drops}
    if snapshot.parent is not None:
        places[snapshot.parent.path] = root / snapshot.parent.path
    for path, source in places.items():
        (copy / path).parent.mkdir(parents=True, exist_ok=True)
        (copy / path).symlink_to(source.resolve())
