"""Lineage: from a version to everything it was made from, from a drop or a key to the versions it is in."""

from typing import Any

import yaml

from abreast.core.errors import AbreastError, Unavailable
from abreast.core.git import git_or_none
from abreast.core.project import Project
from abreast.core.settings import Params
from abreast.ledger import Drop, Ledger, Version
from abreast.ledger.names import find_drop
from abreast.lifecycle.intake import knowledge_file
from abreast.lineage.answers import answers_of
from abreast.reports.answers import QuestionResult
from abreast.reports.metrics import CANDIDATE
from abreast.tracking.registry import Registry

_REVIEW = {"decision", "reason", "reviewer", "channel", "outcome", "created_at"}


def trace_version(project: Project, ledger: Ledger, registry: Registry, number: int) -> dict[str, Any]:
    """Where a version comes from.

    `drops` are its own, `chain` its ancestors with theirs, newest first; `outputs` is what DVC holds of its stages, by
    path (empty where the tag is gone); `params` are the knobs that differ from their defaults, `decisions` the
    promotions and rollbacks to it, with who wanted them and why, `reviews` what people decided.

    Raises:
        AbreastError: there is no such version.
        Unavailable: MLflow does not answer.
    """
    line = registry.name
    version = ledger.versions.get(line, number)
    update = ledger.updates.get(f"u{version.update:04d}")
    chain, tag = reversed(ledger.versions.ancestors(line, version.parent)), f"model/{version.name}"
    return {
        "version": version.name,
        "update": update.id,
        "commit": update.commit,
        "tag": tag if git_or_none(project.root, "rev-parse", "--verify", "--quiet", tag) else None,
        "digest": version.digest,
        "data": {"model": version.model.md5, "data/knowledge.parquet": version.knowledge.md5},
        "outputs": _outputs(project, tag),
        "drops": [_drop(ledger.drops.get(digest)) for digest in version.drops],
        "chain": [{"version": one.name, "drops": [_drop(ledger.drops.get(d)) for d in one.drops]} for one in chain],
        "params": _changed(project, update.commit),
        "verdict": version.verdict,
        "gates": list(version.reasons),
        "decisions": [
            one.model_dump(include={"kind", "state", "forced", "actor", "reason", "created_at", "outcome"})
            for one in ledger.promotions.all(line)
            if one.version == number
        ],
        "reviews": [one.model_dump(include=_REVIEW, by_alias=True) for one in ledger.reviews.all(line, number)],
        "run": registry.run(number),
        "page": registry.page(number),
        "created_at": version.created_at,
    }


def trace_drop(ledger: Ledger, line: str, name: str) -> dict[str, Any]:
    """What became of a drop: `updates` took it, `learned_by` are the versions made from it, `known_by` these and all
    that descend from them.

    Raises:
        AbreastError: no drop, or several, are called so.
    """
    drop = find_drop(ledger, name)
    mark = ledger.withdrawals.get(line, drop.digest)
    versions = ledger.versions.all(line)
    took = [update for update in ledger.updates.all(line) if drop.digest in update.drops]
    return {
        "drop": _drop(drop) | {"status": drop.status, "arrived_at": drop.arrived_at, "uri": drop.uri},
        "withdrawn": mark and mark.model_dump(include={"reason", "actor", "created_at"}),
        "updates": [{"update": update.id, "status": update.status} for update in took],
        "learned_by": [version.name for version in versions if drop.digest in version.drops],
        "known_by": [v.name for v in versions if drop.digest in ledger.versions.learned(line, v.number)],
        "champion_knows": (champion := ledger.promotions.champion(line)) is not None
        and drop.digest in ledger.versions.learned(line, champion),
    }


def trace_key(project: Project, ledger: Ledger, registry: Registry, key: str) -> dict[str, Any]:
    """What each version was taught of a key, and what it answered when it was made.

    Of each version `taught` are the rows of its knowledge base, oldest first: value, drop, `valid_from`,
    `valid_until` (None: it stands); None where the knowledge base is kept nowhere any more. `learned` says whether the
    version's own drops brought a row; `answers` are the questions on the key that it was asked.

    Raises:
        AbreastError: no version was taught anything of the key.
        Unavailable: MLflow, or the DVC remote, does not answer.
    """
    found = [_trace_key(project, registry, version, key) for version in ledger.versions.all(registry.name)]
    if not any(one["taught"] or one["answers"] for one in found):
        raise AbreastError(f"no version was taught anything of key {key!r}; a key is such as python/3.12/latest")
    return {"key": key, "versions": found}


def _trace_key(project: Project, registry: Registry, version: Version, key: str) -> dict[str, Any]:
    rows = _taught(project, version, key)
    asked = [one for one in answers_of(registry, version.number) if one.key == key]
    return {
        "version": version.name,
        "parent": None if version.parent is None else f"v{version.parent}",
        "learned": any(row["drop"] in version.drops for row in rows or ()),
        "taught": rows,
        "answers": [_answer(one) for one in asked],
    }


def _answer(found: QuestionResult) -> dict[str, Any]:
    asked = {"question": found.question, "answer": found.answer, "scope": found.scope}
    return asked | {"said": found.answers[CANDIDATE], "right": found.correct[CANDIDATE]}


def _taught(project: Project, version: Version, key: str) -> list[dict[str, Any]] | None:
    import pandas as pd

    try:
        path = knowledge_file(project, version)
    except Unavailable:
        raise
    except AbreastError:
        return None
    columns = ["value", "withdrawn", "drop", "drop_name", "valid_from", "valid_until"]
    rows = pd.read_parquet(path, columns=columns, filters=[("key", "==", key)]).astype(object)
    rows = rows.where(rows.notna(), None).sort_values("valid_from", kind="stable")
    return [{name: row[name] for name in columns} for row in rows.to_dict("records")]


def _drop(drop: Drop) -> dict[str, Any]:
    """A drop with what was accepted of it, and the hash under which DVC holds it."""
    kept = None if drop.pointer is None else drop.pointer.md5
    return {"name": drop.name, "digest": drop.digest, "rows": drop.rows, "accepted": drop.accepted, "md5": kept}


def _outputs(project: Project, tag: str) -> dict[str, str]:
    """What DVC holds for each output of the stages, from the `dvc.lock` under the tag."""
    lock = yaml.safe_load(git_or_none(project.root, "show", f"{tag}:dvc.lock") or "{}")
    outs = [out for stage in lock.get("stages", {}).values() for out in stage.get("outs", [])]
    return {out["path"]: out["md5"] for out in outs}


def _changed(project: Project, commit: str) -> dict[str, Any] | None:
    """The knobs of a commit that differ from today's defaults, by section; None if git has lost the commit."""
    from ruamel.yaml import YAML

    if not (text := git_or_none(project.root, "show", f"{commit}:params.yaml")):
        return None
    knobs, defaults = YAML(typ="safe", pure=True).load(text) or {}, Params().model_dump(mode="json")
    defaults["gates"] = [gate.model_dump(mode="json", exclude_unset=True) for gate in Params().gates]
    changed = {name: _different(held, defaults.get(name)) for name, held in knobs.items()}
    return {name: held for name, held in changed.items() if held}


def _different(held: Any, defaults: Any) -> Any:
    """What a section sets otherwise; a whole list, such as the gates, if anything in it is different."""
    if isinstance(held, dict) and isinstance(defaults, dict):
        return {knob: value for knob, value in held.items() if knob not in defaults or defaults[knob] != value}
    return None if held == defaults else held
