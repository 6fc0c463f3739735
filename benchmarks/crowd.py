"""Promoters as processes that stay: each gets an order, carries it out, and may be killed meanwhile.

A process that was killed is replaced, so that a round costs no imports.
"""

import gc
import heapq
import multiprocessing
import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Literal

from abreast.core.errors import AbreastError, Unavailable
from abreast.ledger import Ledger
from abreast.lifecycle.promoter import promote, reconcile_promotions, restore_previous
from abreast.tracking.registry import Registry

_MOMENT = "a random moment"


@dataclass(frozen=True)
class PromoterOrder:
    """What one promoter is to do.

    `actor` identifies its rows of the log. It dies at the crash point `dies_at` if it comes there,
    or `dies_after` so many seconds wherever it is then, or not at all.
    """

    actor: str
    verb: Literal["promote", "rollback", "sweep"]
    version: int | None = None
    forced: bool = False
    dies_at: str | None = None
    dies_after: float | None = None


@dataclass(frozen=True)
class PromoterResult:
    """How it ended: `row` is the log's row that a promoter got, `lines` the output of a sweep or a refusal.

    `left` is the champion that whoever wanted a rollback saw.
    """

    wish: PromoterOrder
    outcome: Literal["done", "refused", "unavailable", "broken", "killed"]
    row: int | None = None
    left: int | None = None
    lines: tuple[str, ...] = ()
    killed_at: str | None = None


class Crowd:
    """So many promoters at once of one line of models.

    Each is forked from this process, which had better have used ledger and registry before: what it knows they know.
    """

    def __init__(self, count: int, ledger: Ledger, registry: Registry):
        self._ledger, self._registry, self._fork = ledger, registry, multiprocessing.get_context("fork")
        gc.freeze()
        self._members: list[tuple[multiprocessing.Process, Connection]] = []
        for _ in range(count):
            self._members.append(self._start())

    def fulfil(self, wishes: Sequence[PromoterOrder]) -> list[PromoterResult]:
        """Give each promoter its wish at the same time; how each ended, when all have ended."""
        crew = list(zip(self._members, wishes, strict=False))
        for (_, pipe), wish in crew:
            pipe.send(wish)
        began, results, struck = time.monotonic(), [None] * len(crew), []
        deaths = [(began + wish.dies_after, n) for n, (_, wish) in enumerate(crew) if wish.dies_after is not None]
        heapq.heapify(deaths)
        while missing := [n for n, one in enumerate(results) if one is None]:
            while deaths and deaths[0][0] <= time.monotonic():
                struck.append(crew[heapq.heappop(deaths)[1]][0][0])
                struck[-1].kill()
            pause = max(0.0, deaths[0][0] - time.monotonic()) if deaths else None
            ready = wait([crew[n][0][1] for n in missing], pause)
            for n in missing:
                if crew[n][0][1] in ready:
                    results[n] = self._heard(*crew[n][0], wish=crew[n][1])
            deaths = [death for death in deaths if results[death[1]] is None]
            heapq.heapify(deaths)
        for process in struck:
            process.join()
        self._replace()
        return results

    def close(self) -> None:
        for process, pipe in self._members:
            pipe.close()
            process.join()

    def _heard(self, process: multiprocessing.Process, pipe: Connection, wish: PromoterOrder) -> PromoterResult:
        try:
            return pipe.recv()
        except (EOFError, ConnectionResetError):
            process.join()
            if process.exitcode != -signal.SIGKILL:
                return PromoterResult(wish, "broken", lines=(f"its process ended with {process.exitcode}",))
            return PromoterResult(wish, "killed", killed_at=wish.dies_at or _MOMENT)

    def _replace(self) -> None:
        for n, (process, pipe) in enumerate(self._members):
            if not process.is_alive():
                pipe.close()
                self._members[n] = self._start()

    def _start(self) -> tuple[multiprocessing.Process, Connection]:
        ours, theirs = self._fork.Pipe()
        inherited = [ours, *(pipe for _, pipe in self._members)]
        process = self._fork.Process(target=_serve, args=(self._ledger, self._registry, theirs, inherited), daemon=True)
        process.start()
        theirs.close()
        return process, ours


def _serve(ledger: Ledger, registry: Registry, pipe: Connection, inherited: Sequence[Connection]) -> None:
    """Do what comes through the pipe until it is closed: at the other end, which no sibling may hold open."""
    for end in inherited:
        end.close()
    while True:
        try:
            wish = pipe.recv()
        except EOFError:
            return
        pipe.send(_done(ledger, registry, wish))


def _done(ledger: Ledger, registry: Registry, wish: PromoterOrder) -> PromoterResult:
    if wish.dies_at:
        os.environ["ABREAST_CRASH_AT"] = wish.dies_at
    try:
        if wish.verb == "sweep":
            return PromoterResult(wish, "done", lines=tuple(reconcile_promotions(ledger, registry)))
        if wish.verb == "rollback":
            left = ledger.promotions.champion(registry.name)
            return PromoterResult(
                wish, "done", row=restore_previous(ledger, registry, left, "stress", wish.actor).id, left=left
            )
        return PromoterResult(
            wish, "done", row=promote(ledger, registry, wish.version, "stress", wish.actor, force=wish.forced).id
        )
    except Unavailable as error:
        return PromoterResult(wish, "unavailable", lines=(str(error),))
    except AbreastError as error:
        return PromoterResult(wish, "refused", lines=(str(error),))
    except Exception as error:
        return PromoterResult(wish, "broken", lines=(f"{type(error).__name__}: {error}",))
    finally:
        os.environ.pop("ABREAST_CRASH_AT", None)
