"""lineage: where a version comes from, and which versions learned a drop or a key."""

import json
from typing import Annotated, Any

import typer

from abreast.cli.console import Json, add_command, print_json, print_line
from abreast.core.errors import AbreastError
from abreast.ledger.names import version_number
from abreast.services.services import Services


def add_commands(app: typer.Typer) -> None:
    """Add the command to `app`."""
    add_command(app, "abreast lineage v3", lineage)


def lineage(
    version: Annotated[str | None, typer.Argument(help="A version, such as v3: what it was made from.")] = None,
    drop: Annotated[str | None, typer.Option(help="Which versions know this drop (name or digest).")] = None,
    key: Annotated[str | None, typer.Option(help="What each version was taught and answered of this key.")] = None,
    as_json: Json = False,
) -> None:
    """Where a version comes from; or which versions learned a drop, or a key."""
    from abreast.lineage.trace import trace_drop, trace_key, trace_version

    if sum(given is not None for given in (version, drop, key)) != 1:
        raise AbreastError("give one of a version such as v3, --drop and --key")
    services = Services.open()
    if version is not None:
        number = version_number(version)
        found = trace_version(services.project, services.ledger, services.registry, number)
        print_found = _print_version
    elif drop is not None:
        found, print_found = trace_drop(services.ledger, services.line, drop), _print_drop
    else:
        found = trace_key(services.project, services.ledger, services.registry, key)
        print_found = _print_key
    if as_json:
        print_json(found)
    else:
        print_found(found)


def _print_version(found: dict[str, Any]) -> None:
    """One field a line."""
    print_line(f"{found['version']}: {found['verdict']}, made {found['created_at']} by {found['update']}")
    print_line(f"commit  {found['commit']}" + (f", kept as {found['tag']}" if found["tag"] else ", not kept as a tag"))
    print_line(f"digest  {found['digest']}")
    for path, md5 in (found["outputs"] or found["data"]).items():
        print_line(f"data    {md5}  {path}")
    for one in found["drops"]:
        print_line(f"drop    {_drop_line(one)}")
    for one in found["chain"]:
        print_line(f"from    {one['version']}, which learned {', '.join(map(_drop_line, one['drops']))}")
    if not found["chain"]:
        print_line("from    the base")
    for section, knobs in (found["params"] or {}).items():
        print_line(f"params  {section}: {json.dumps(knobs, ensure_ascii=False)}")
    for gate in found["gates"]:
        print_line(f"gate    {gate}")
    for one in found["decisions"]:
        forced = " by force" if one["forced"] else ""
        print_line(
            f"{one['kind']:<8}{forced} {one['state']}, {one['actor']} on {one['created_at'][:10]}: {one['reason']}"
        )
    for one in found["reviews"]:
        outcome = one["outcome"] or "not carried out yet"
        print_line(f"{one['decision']:<8}{outcome}, {one['reviewer']} on {one['created_at'][:10]}: {one['reason']}")
    print_line(f"run     {found['run']}, {found['page']}")


def _print_drop(found: dict[str, Any]) -> None:
    drop, withdrawal = found["drop"], found["withdrawn"]
    print_line(f"{_drop_line(drop)}, {drop['status']}, arrived {drop['arrived_at']}")
    if withdrawal:
        print_line(f"withdrawn on {withdrawal['created_at'][:10]} by {withdrawal['actor']}: {withdrawal['reason']}")
    for one in found["updates"]:
        print_line(f"{one['update']} took it: {one['status']}")
    print_line(f"learned by {', '.join(found['learned_by']) or 'no version'}")
    print_line(f"known by {', '.join(found['known_by']) or 'no version'}")
    print_line(f"the champion {'knows' if found['champion_knows'] else 'does not know'} it")


def _print_key(found: dict[str, Any]) -> None:
    for one in found["versions"]:
        learned = ", learned something of it" if one["learned"] else ""
        print_line(f"{one['version']} (from {one['parent'] or 'the base'}){learned}")
        if one["taught"] is None:
            print_line("  its knowledge base is no longer stored")
        for row in one["taught"] or ():
            value = "withdrawn" if row["withdrawn"] else repr(row["value"])
            print_line(f"  {value} from {row['valid_from']} until {row['valid_until'] or 'now'}, by {row['drop_name']}")
        for asked in one["answers"]:
            print_line(f"  asked: {asked['question']} {asked['said']!r}, {'right' if asked['right'] else 'wrong'}")


def _drop_line(one: dict[str, Any]) -> str:
    return f"{one['name']} ({one['digest'][:12]}, {one['accepted']} of {one['rows']} rows)"
