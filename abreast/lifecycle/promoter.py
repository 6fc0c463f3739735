"""The one path that moves the aliases `champion` and `previous`.

The ledger's log is the truth, the aliases in MLflow follow it. MLflow has no compare-and-set on aliases, so:

1. only the holder of the ledger's lease `promoter:<line>` promotes, and its fence is checked before each write;
2. the intent is written, and the champion read again in the same transaction;
3. the registered files are fetched and their digest is compared with the ledger's;
4. the aliases are moved, `champion` first;
5. the promotion is written as done, and the update that made the version ends with it, in one transaction.

A crash before 2 leaves nothing. After 2, `reconcile_promotions` (or the next promotion) carries out the intent, or
reverts it if the files are wrong. A promoter that stalls until its lease is lost can still move an alias too late; the
next sweep sets the aliases by the log again.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from tenacity import wait_random_exponential

from abreast.core.crash_points import crash_point
from abreast.core.errors import AbreastError, Unavailable
from abreast.core.waiting import wait_until
from abreast.ledger import Lease, Ledger, Promotion, Withdrawal
from abreast.ledger.process_id import ProcessId
from abreast.tracking.registry import Registry

LEASE_SECONDS = 120.0
WAIT_SECONDS = 120.0
_PAUSE = wait_random_exponential(multiplier=0.05, min=0.025, max=0.2)  # seconds between two attempts at the lease


def promote_version(
    ledger: Ledger,
    registry: Registry,
    version: int,
    reason: str,
    actor: str,
    *,
    force: bool = False,
    reviewed: bool = False,
) -> Promotion:
    """Make `version` the champion; a version that serves already is left as it is.

    Args:
        actor: who wants it, such as `update u0007` or a person's name.
        force: promote whatever the verdict, and whichever version serves now.
        reviewed: a person has approved it, so that `inconclusive` is enough (only `abreast.lifecycle.review` says so).

    Returns:
        The row of the log by which `version` serves.

    Raises:
        AbreastError: the verdict is not good enough, another than its parent serves now, or its files are not the
            recorded ones. The champion is untouched then.
        Unavailable: MLflow or the ledger failed on the way, or another promotion takes too long. Try again.
    """
    line = registry.name
    with _alone(ledger, line) as lease:
        _finish(ledger, registry, lease)
        if ledger.promotions.champion(line) == version:
            return ledger.promotions.last(line)
        known = ledger.versions.get(line, version)
        good = ("pass", "inconclusive") if reviewed else ("pass",)
        if known.verdict not in good and not force:
            raise AbreastError(
                f"v{version} is not promoted: its verdict is {known.verdict or 'not given yet'}, not pass"
            )
        promotion = ledger.promotions.intend(
            lease,
            line,
            version,
            kind="promote",
            expected=known.parent,
            forced=force,
            reason=reason,
            actor=actor,
        )
        return _carry_out(ledger, registry, lease, promotion)


def restore_previous(ledger: Ledger, registry: Registry, leaving: int | None, reason: str, actor: str) -> Promotion:
    """Return to the version that served before the champion, by the log.

    Args:
        leaving: the champion that is to be left, as whoever asks saw it. If that was left meanwhile, by another who
            asked or by a rollback that was cut off half done, nothing more is done: two who ask at once go back once.

    Returns:
        The row of the log by which `leaving` was left.

    Raises:
        AbreastError: nothing served before, another version than `leaving` came into service meanwhile, or the files
            of the version to return to are not the recorded ones.
        Unavailable: as in `promote_version`.
    """
    line = registry.name
    with _alone(ledger, line) as lease:
        _finish(ledger, registry, lease)
        last = ledger.promotions.last(line)
        if last is not None and last.version != leaving:
            if last.kind == "rollback" and last.before == leaving:
                return last
            raise AbreastError(f"v{last.version} serves, not {_shown(leaving)}, which was to be left; nothing was done")
        served = ledger.promotions.served(line)
        if len(served) < 2:
            before = f"only v{served[0]} has" if served else "no version has"
            untainted = " (of those that know no withdrawn drop)" if ledger.withdrawals.all(line) else ""
            raise AbreastError(f"nothing to roll back to: {before} served{untainted}")
        return _return(ledger, registry, lease, served, reason, actor)


def withdraw_and_restore(
    ledger: Ledger, registry: Registry, digest: str, reason: str, actor: str
) -> tuple[Withdrawal, Promotion | None]:
    """Mark a drop as withdrawn, and return to the last champion that does not know it, if there was one.

    Idempotent: called again, it completes what a crash cut off; so does the sweep.

    Returns:
        The mark, and the rollback; None where the champion does not know the drop, or every version that served does.

    Raises:
        AbreastError: no such drop was accepted, or the files of the version to return to are not the recorded ones.
        Unavailable: as in `promote_version`.
    """
    line = registry.name
    with _alone(ledger, line) as lease:
        _finish(ledger, registry, lease)
        mark = ledger.withdrawals.mark(lease, line, digest, reason=reason, actor=actor)
        crash_point("promoter.withdrawn")
        return mark, _leave_withdrawn(ledger, registry, lease)


def reconcile_promotions(ledger: Ledger, registry: Registry) -> list[str]:
    """Finish or revert what a crash left half done, and set the aliases by the log.

    Returns:
        What was put right, a line each; empty when all was well.
    """
    line = registry.name
    with _alone(ledger, line) as lease:
        done = _finish(ledger, registry, lease)
        try:
            left = _leave_withdrawn(ledger, registry, lease)
        except Unavailable:
            raise
        except AbreastError as error:
            done.append(f"a champion that knows a withdrawn drop serves on: {error}")
        else:
            done += [] if left is None else [f"v{left.before} left for v{left.version}: {left.reason}"]
        return done + _align(ledger, registry, lease)


@contextmanager
def _alone(ledger: Ledger, line: str) -> Iterator[Lease]:
    """Wait for the promoter's lease and give it back at the end."""
    holder = ProcessId.current()
    lease = wait_until(lambda: ledger.leases.take(f"promoter:{line}", holder, LEASE_SECONDS), WAIT_SECONDS, _PAUSE)
    if lease is None:
        raise Unavailable(f"another promotion of {line} has not ended for {WAIT_SECONDS:.0f} s; try again")
    crash_point("promoter.leased")
    try:
        yield lease
    finally:
        ledger.leases.release(lease)
    crash_point("promoter.returned")


def _finish(ledger: Ledger, registry: Registry, lease: Lease) -> list[str]:
    """Carry out the intent that a crash left open, or revert it."""
    left = ledger.promotions.open_intent(registry.name)
    if left is None:
        return []
    try:
        _carry_out(ledger, registry, lease, left)
    except Unavailable:
        raise
    except AbreastError as error:
        return [f"{left.kind} of v{left.version} reverted: {error}"]
    return [f"{left.kind} of v{left.version} finished"]


def _leave_withdrawn(ledger: Ledger, registry: Registry, lease: Lease) -> Promotion | None:
    """Return to the last champion that knows no withdrawn drop, if the present one does and there was one."""
    line = registry.name
    served = ledger.promotions.served(line)
    mark = ledger.withdrawals.tainted_by(line, served[-1]) if len(served) > 1 else None
    if mark is None:
        return None
    reason = f"drop {mark.digest[:12]} was withdrawn: {mark.reason}"
    return _return(ledger, registry, lease, served, reason, mark.actor)


def _return(
    ledger: Ledger, registry: Registry, lease: Lease, served: tuple[int, ...], reason: str, actor: str
) -> Promotion:
    """Move from the champion, the last of `served`, to the one before it."""
    expected = {"kind": "rollback", "expected": served[-1], "forced": False}
    promotion = ledger.promotions.intend(lease, registry.name, served[-2], **expected, reason=reason, actor=actor)
    return _carry_out(ledger, registry, lease, promotion)


def _carry_out(ledger: Ledger, registry: Registry, lease: Lease, promotion: Promotion) -> Promotion:
    """From the written intent to the written end."""
    crash_point("promoter.intended")
    try:
        registry.check(promotion.version, ledger.versions.get(promotion.line, promotion.version).digest)
    except Unavailable:
        raise
    except AbreastError as error:
        ledger.promotions.revert(lease, promotion, str(error))
        crash_point("promoter.reverted")
        _align(ledger, registry, lease)
        raise
    crash_point("promoter.checked")
    _move(ledger, registry, lease, "champion", promotion.version)
    crash_point("promoter.champion")
    _move(ledger, registry, lease, "previous", _previous_after(ledger, promotion))
    crash_point("promoter.previous")
    done = ledger.promotions.complete(lease, promotion)
    crash_point("promoter.done")
    return done


def _previous_after(ledger: Ledger, promotion: Promotion) -> int | None:
    """What `ledger.promotions.previous` will say when the promotion is done."""
    if promotion.kind == "promote":
        return ledger.updates.next_parent(promotion.line)
    served = ledger.promotions.served(promotion.line)
    return served[-3] if len(served) > 2 else None


def _align(ledger: Ledger, registry: Registry, lease: Lease) -> list[str]:
    """Set the aliases by the log, also when somebody moved them by hand."""
    aliases = registry.aliases()
    wanted = {
        "champion": ledger.promotions.champion(registry.name),
        "previous": ledger.promotions.previous(registry.name),
    }
    changed = []
    for alias, version in wanted.items():
        if aliases.get(alias) != version:
            _move(ledger, registry, lease, alias, version)
            crash_point("promoter.aligned")
            changed.append(f"alias {alias} set from {_shown(aliases.get(alias))} to {_shown(version)}")
    return changed


def _move(ledger: Ledger, registry: Registry, lease: Lease, alias: str, version: int | None) -> None:
    ledger.leases.renew(lease, LEASE_SECONDS)
    crash_point("promoter.kept")
    registry.set_alias(alias, version)


def _shown(version: int | None) -> str:
    return "nothing" if version is None else f"v{version}"
