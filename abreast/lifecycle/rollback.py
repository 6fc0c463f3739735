"""Rollback: return to what served before, or take a drop out of the line; and what that means for each drop."""

from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, ConfigDict

from abreast.ledger import Drop, Ledger
from abreast.ledger.names import find_drop, version_number
from abreast.lifecycle import promoter
from abreast.tracking.registry import Registry


class RollbackResult(BaseModel):
    """What a rollback came to.

    `champion` serves now; `taken_back` served until then, None where nothing moved. `drops` is what the champion no
    longer knows; `withdrawn` is the drop that was marked, `again` what waits for the next update, and `next_parent` the
    version which that starts from (None: the base).
    """

    model_config = ConfigDict(frozen=True)

    champion: int | None
    taken_back: int | None
    drops: tuple[Drop, ...]
    withdrawn: Drop | None = None
    again: tuple[Drop, ...] = ()
    next_parent: int | None = None

    @property
    def message(self) -> str:
        """One message for people."""
        if self.withdrawn is None:
            return f"{self._moved}, with what it learned: {_names(self.drops)}"
        marked = f"{_names([self.withdrawn])} is withdrawn"
        again = f"the next update learns {_names(self.again)} from {_version(self.next_parent)}"
        return "; ".join([marked, self._moved, again if self.again else "nothing waits to be learned"])

    @property
    def _moved(self) -> str:
        if self.taken_back is not None:
            return f"{_version(self.champion)} serves again, v{self.taken_back} is taken back"
        if self.champion is None or self.champion == self.next_parent:
            return "no version that serves has learned it"
        return f"no version that served was without it, so v{self.champion} serves on until the next update is promoted"

    def fields(self) -> dict[str, Any]:
        """For scripts: versions such as `v3`, drops as name and digest."""
        found = {"champion": self.champion, "taken_back": self.taken_back}
        named = {name: None if number is None else f"v{number}" for name, number in found.items()}
        fields = named | {"drops": _listed(self.drops)}
        if self.withdrawn is None:
            return fields
        next_parent = None if self.next_parent is None else f"v{self.next_parent}"
        return fields | {"withdrawn": _listed([self.withdrawn])[0], "again": _listed(self.again), "ground": next_parent}


def roll_back(ledger: Ledger, registry: Registry, leaving: str | None, reason: str, actor: str) -> RollbackResult:
    """Return to the version that served before; raises as `names.version_number` and `promoter.restore_previous` do.

    Args:
        leaving: the champion that is to be left, such as `v3`; the present one if it is not named.
    """
    left = ledger.promotions.champion(registry.name) if leaving is None else version_number(leaving)
    done = promoter.restore_previous(ledger, registry, left, reason=reason, actor=actor)
    lost = _lost(ledger, done.line, done.before, done.version)
    return RollbackResult(champion=done.version, taken_back=done.before, drops=lost)


def withdraw_drop(ledger: Ledger, registry: Registry, drop: str, reason: str, actor: str) -> RollbackResult:
    """Mark a drop, by name or digest, as withdrawn; raises as `find_drop` and `promoter.withdraw_and_restore` do."""
    line = registry.name
    found = find_drop(ledger, drop)
    _, moved = promoter.withdraw_and_restore(ledger, registry, found.digest, reason=reason, actor=actor)
    return RollbackResult(
        champion=ledger.promotions.champion(line),
        taken_back=moved and moved.before,
        drops=_lost(ledger, line, moved.before, moved.version) if moved else (),
        withdrawn=found,
        again=tuple(ledger.updates.waiting(line)),
        next_parent=ledger.updates.next_parent(line),
    )


def reinstate_drop(ledger: Ledger, line: str, drop: str, reason: str, actor: str) -> tuple[Drop, bool]:
    """Take the mark of a drop away; the drop, and whether it waits for the next update."""
    found = find_drop(ledger, drop)
    ledger.withdrawals.lift(line, found.digest, reason=reason, actor=actor)
    return found, found in ledger.updates.waiting(line)


def _lost(ledger: Ledger, line: str, before: int, after: int) -> tuple[Drop, ...]:
    """The drops that `before` knows and `after` does not, in the order of learning."""
    kept = set(ledger.versions.learned(line, after))
    return tuple(ledger.drops.get(digest) for digest in ledger.versions.learned(line, before) if digest not in kept)


def _listed(drops: Iterable[Drop]) -> list[dict[str, str]]:
    return [{"name": drop.name, "digest": drop.digest} for drop in drops]


def _names(drops: Iterable[Drop]) -> str:
    return ", ".join(f"{drop.name} ({drop.digest[:12]})" for drop in drops) or "nothing"


def _version(number: int | None) -> str:
    return "the base" if number is None else f"v{number}"
