"""How people name versions and drops."""

from typing import TYPE_CHECKING

from abreast.core.errors import AbreastError

if TYPE_CHECKING:
    from abreast.ledger import Drop, Ledger


def version_number(name: str) -> int:
    """The number in `v3` or `3`.

    Raises:
        AbreastError: it is neither.
    """
    digits = name.removeprefix("v")
    if not digits.isdecimal():
        raise AbreastError(f"{name!r} names no version; one is named such as v3 (`abreast history` lists them)")
    return int(digits)


def find_drop(ledger: "Ledger", name: str) -> "Drop":
    """The one drop with this name, or whose digest begins so.

    Raises:
        AbreastError: there is none, or several.
    """
    drops = ledger.drops.all()
    found = [drop for drop in drops if drop.name == name] or [d for d in drops if name and d.digest.startswith(name)]
    if not found:
        raise AbreastError(f"no drop {name!r}; give a name or the beginning of a digest (`abreast show v1` has both)")
    if len(found) > 1:
        digests = ", ".join(f"{drop.digest[:12]} ({drop.name}, {drop.arrived_at[:10]})" for drop in found[:5])
        raise AbreastError(f"{len(found)} drops are called {name!r}; name one by its digest: {digests}")
    return found[0]
