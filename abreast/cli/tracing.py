"""bisect, lineage, reproduce: which drop did harm, what came from where, and whether it would come again."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from abreast.cli.console import Json, command, err, only_data, out, percent, print_json
from abreast.core.errors import AbreastError
from abreast.ledger.names import version_number
from abreast.services.services import Services

if TYPE_CHECKING:
    from abreast.lineage.bisection import Step
    from abreast.lineage.reproduce import Remade


def register(app: typer.Typer) -> None:
    """Add the commands to `app`."""
    command(app, "abreast bisect --slice domain=Python")(bisect)
    command(app, "abreast lineage v3")(lineage)
    command(app, "abreast reproduce v1 --retrain")(reproduce)


def bisect(
    slice_: Annotated[
        str | None, typer.Option("--slice", help="By kind, domain, source or language, such as domain=Python.")
    ] = None,
    drop: Annotated[str | None, typer.Option(help="What this drop brought, by its name or digest.")] = None,
    key: Annotated[str | None, typer.Option(help="One fact, such as python/3.12/latest.")] = None,
    version: Annotated[str | None, typer.Option(help="Look back from this version, not from the champion.")] = None,
    replay: Annotated[
        bool, typer.Option(help="If several drops were learned at once, learn halves of them again to find the one.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Find the drop that hurt: the version that lost most of what was known, and what it had learned."""
    from abreast.lineage.bisection import part_of, steps, worst_step
    from abreast.lineage.replays import narrow

    services = Services.open()
    words, part = part_of(services.ledger, slice_, drop, key)
    found = steps(services.ledger, services.registry, part, None if version is None else version_number(version))
    step = worst_step(found)
    if replay and step is not None and len(step.drops) > 1:
        with only_data():
            step = step.model_copy(update={"drops": narrow(services.project, services.ledger, step, part, _tell)})
    if as_json:
        print_json({"part": words, "steps": [s.fields() for s in found], "found": step and step.fields()})
    else:
        _print_steps(words, found, step)


def lineage(
    version: Annotated[str | None, typer.Argument(help="A version, such as v3: what it was made from.")] = None,
    drop: Annotated[str | None, typer.Option(help="Which versions know this drop (name or digest).")] = None,
    key: Annotated[str | None, typer.Option(help="What each version was taught and answered of this key.")] = None,
    as_json: Json = False,
) -> None:
    """Where a version comes from; or where a drop, or a key, has gone to."""
    from abreast.lineage.origins import of_drop, of_key, of_version

    if sum(given is not None for given in (version, drop, key)) != 1:
        raise AbreastError("give one of a version such as v3, --drop and --key")
    services = Services.open()
    if version is not None:
        found, show = (
            of_version(services.project, services.ledger, services.registry, version_number(version)),
            _print_version,
        )
    elif drop is not None:
        found, show = of_drop(services.ledger, services.line, drop), _print_drop
    else:
        found, show = of_key(services.project, services.ledger, services.registry, key), _print_key
    if as_json:
        print_json(found)
    else:
        show(found)


def _print_version(found: dict[str, Any]) -> None:
    """One field a line; what is nested, indented."""
    _say(f"{found['version']}: {found['verdict']}, made {found['created_at']} by {found['update']}")
    _say(f"commit  {found['commit']}" + (f", kept as {found['tag']}" if found["tag"] else ", not kept as a tag"))
    _say(f"digest  {found['digest']}")
    for path, md5 in (found["outputs"] or found["data"]).items():
        _say(f"data    {md5}  {path}")
    for one in found["drops"]:
        _say(f"drop    {_drop(one)}")
    for one in found["chain"]:
        _say(f"from    {one['version']}, which learned {', '.join(map(_drop, one['drops']))}")
    if not found["chain"]:
        _say("from    the base")
    for section, knobs in (found["params"] or {}).items():
        _say(f"params  {section}: {json.dumps(knobs, ensure_ascii=False)}")
    for gate in found["gates"]:
        _say(f"gate    {gate}")
    for one in found["decisions"]:
        forced = " by force" if one["forced"] else ""
        _say(f"{one['kind']:<8}{forced} {one['state']}, {one['actor']} on {one['created_at'][:10]}: {one['reason']}")
    for one in found["reviews"]:
        outcome = one["outcome"] or "not carried out yet"
        _say(f"{one['decision']:<8}{outcome}, {one['reviewer']} on {one['created_at'][:10]}: {one['reason']}")
    _say(f"run     {found['run']}, {found['page']}")


def _print_drop(found: dict[str, Any]) -> None:
    drop, mark = found["drop"], found["withdrawn"]
    _say(f"{_drop(drop)}, {drop['status']}, arrived {drop['arrived_at']}")
    if mark:
        _say(f"withdrawn on {mark['created_at'][:10]} by {mark['actor']}: {mark['reason']}")
    for one in found["updates"]:
        _say(f"{one['update']} took it: {one['status']}")
    _say(f"learned by {', '.join(found['learned_by']) or 'no version'}")
    _say(f"known by {', '.join(found['known_by']) or 'no version'}")
    _say(f"the champion {'knows' if found['champion_knows'] else 'does not know'} it")


def _print_key(found: dict[str, Any]) -> None:
    for one in found["versions"]:
        learned = ", learned something of it" if one["learned"] else ""
        _say(f"{one['version']} (from {one['parent'] or 'the base'}){learned}")
        if one["taught"] is None:
            _say("  its knowledge is kept nowhere any more")
        for row in one["taught"] or ():
            value = "withdrawn" if row["withdrawn"] else repr(row["value"])
            _say(f"  {value} from {row['valid_from']} until {row['valid_until'] or 'now'}, by {row['drop_name']}")
        for asked in one["answers"]:
            _say(f"  asked: {asked['question']} {asked['said']!r}, {'right' if asked['right'] else 'wrong'}")


def _drop(one: dict[str, Any]) -> str:
    return f"{one['name']} ({one['digest'][:12]}, {one['accepted']} of {one['rows']} rows)"


def _say(line: str) -> None:
    out.print(line, highlight=False, markup=False, soft_wrap=True)


def reproduce(
    version: Annotated[str, typer.Argument(help="A promoted version, such as v1.")],
    retrain: Annotated[bool, typer.Option(help="Run all its stages again, and compare what comes out.")] = False,
    tolerance: Annotated[
        float, typer.Option(min=0.0, help="How far a measure may be off on a GPU, absolutely or in proportion.")
    ] = 0.05,
    as_json: Json = False,
) -> None:
    """Check a version out, fetch its bytes from the DVC remote, and prove every hash; exit code 1 if it comes out
    otherwise when it is trained again."""
    from tempfile import TemporaryDirectory

    from abreast.lineage.reproduce import fresh_workspace, prove, remake

    services = Services.open()
    known = services.ledger.versions.get(services.line, version_number(version))
    services.project.home.runs.mkdir(parents=True, exist_ok=True)
    lines, remade = [], None
    with TemporaryDirectory(prefix="reproduce-", dir=services.project.home.runs) as folder:
        workspace = fresh_workspace(services.project, known, Path(folder).resolve())
        for line in _heard(prove(services.project, services.ledger, services.registry, known, workspace), as_json):
            lines.append(line)
        if retrain:
            *_, remade = _heard(remake(workspace, known, tolerance), as_json)
    if as_json:
        told = remade and remade.model_dump() | {"reproduced": remade.reproduced}
        print_json({"version": known.name, "proven": lines, "remade": told})
    elif remade is not None:
        _print_remade(remade)
    raise typer.Exit(remade is not None and not remade.reproduced)


def _heard(found: Iterator[Any], as_json: bool) -> Iterator[Any]:
    """What comes, with each line told at once; what is printed on the way does not mix with data on stdout."""
    while True:
        with only_data():
            line = next(found, None)
        if line is None:
            return
        if isinstance(line, str):
            _tell(line) if as_json else _say(f"ok  {line}")
        yield line


def _print_remade(remade: "Remade") -> None:
    for path in remade.equal:
        _say(f"ok  {path}: the same bytes again")
    for path in remade.different:
        _say(f"    {path}: other bytes than before")
    for name, (before, after) in remade.measures.items():
        _say(f"    {name}: {before} before, {after} now")
    same = "the same digest again" if remade.digest == remade.recorded else f"now {remade.digest[:12]}"
    _say(f"model {remade.recorded[:12]}: {same}, on {remade.device}: {'' if remade.reproduced else 'not '}reproduced")


def _tell(line: str) -> None:
    err.print(line, highlight=False, markup=False)


def _print_steps(words: str, found: "list[Step]", step: "Step | None") -> None:
    table = Table(
        "version", "learned", "questions", "before", "after", "lost", "won", title=f"{words}: what still held"
    )
    for one in found:
        names = ", ".join(drop.name for drop in one.drops)
        shares = (percent(one.before), percent(one.after))
        table.add_row(one.version, names, str(one.questions), *shares, str(one.lost), str(one.won))
    out.print(table)
    if step is None:
        out.print("no version lost more of it than it won", highlight=False)
        return
    drops = ", ".join(f"{drop.name} ({drop.digest[:12]})" for drop in step.drops)
    out.print(
        f"{step.version} hurt it most, with {drops}: {percent(step.before)} before, {percent(step.after)} after; "
        f"equally good models lose so many with chance {step.chance:.2g}",
        highlight=False,
        markup=False,
        soft_wrap=True,
    )
    for one in step.examples:
        now, before = one.answers["candidate"], one.answers["champion"]
        line = f"  {one.question} {now!r}; before {before!r}, correct is {one.answer!r}"
        out.print(line, highlight=False, markup=False, soft_wrap=True)
    if len(step.drops) > 1:
        out.print("several drops were learned at once; --replay finds the one", highlight=False)
    else:
        out.print(f"take it back with: abreast rollback --poisoned {step.drops[0].digest[:12]} --reason ...")
