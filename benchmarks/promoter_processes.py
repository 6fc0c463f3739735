"""A pool of processes that each promote, roll back or sweep when asked, and may be killed meanwhile.

A killed process is replaced, so that a round costs no imports.
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
from abreast.lifecycle.promoter import promote_version, reconcile_promotions, restore_previous
from abreast.tracking.registry import Registry

_RANDOM_MOMENT = "a random moment"


@dataclass(frozen=True)
class PromoterTask:
    """What one process does.

    `actor` marks its rows of the promotion log. The process dies at the crash point `dies_at` if it reaches it, or
    after `dies_after` seconds, or not at all.
    """

    actor: str
    verb: Literal["promote", "rollback", "sweep"]
    version: int | None = None
    forced: bool = False
    dies_at: str | None = None
    dies_after: float | None = None


@dataclass(frozen=True)
class PromoterResult:
    """How a task ended: `row` is the returned row of the promotion log, `lines` the output of a sweep or the error.

    `champion_left` is the champion that a rollback saw when it began.
    """

    task: PromoterTask
    outcome: Literal["done", "refused", "unavailable", "broken", "killed"]
    row: int | None = None
    champion_left: int | None = None
    lines: tuple[str, ...] = ()
    killed_at: str | None = None


class PromoterProcesses:
    """Processes that work on one line of models at once.

    Each is forked from this process, and inherits the imports and connections that it has made.
    """

    def __init__(self, count: int, ledger: Ledger, registry: Registry):
        self._ledger, self._registry, self._fork = ledger, registry, multiprocessing.get_context("fork")
        gc.freeze()
        self._members: list[tuple[multiprocessing.Process, Connection]] = []
        for _ in range(count):
            self._members.append(self._start())

    def run_together(self, tasks: Sequence[PromoterTask]) -> list[PromoterResult]:
        """Start all tasks at the same time; return the results when all have ended."""
        members = list(zip(self._members, tasks, strict=False))
        for (_, pipe), task in members:
            pipe.send(task)
        began, results, killed = time.monotonic(), [None] * len(members), []
        deaths = [(began + task.dies_after, n) for n, (_, task) in enumerate(members) if task.dies_after is not None]
        heapq.heapify(deaths)
        while missing := [n for n, one in enumerate(results) if one is None]:
            while deaths and deaths[0][0] <= time.monotonic():
                killed.append(members[heapq.heappop(deaths)[1]][0][0])
                killed[-1].kill()
            pause = max(0.0, deaths[0][0] - time.monotonic()) if deaths else None
            ready = wait([members[n][0][1] for n in missing], pause)
            for n in missing:
                if members[n][0][1] in ready:
                    results[n] = self._receive(*members[n][0], task=members[n][1])
            deaths = [death for death in deaths if results[death[1]] is None]
            heapq.heapify(deaths)
        for process in killed:
            process.join()
        self._replace()
        return results

    def close(self) -> None:
        for process, pipe in self._members:
            pipe.close()
            process.join()

    def _receive(self, process: multiprocessing.Process, pipe: Connection, task: PromoterTask) -> PromoterResult:
        try:
            return pipe.recv()
        except (EOFError, ConnectionResetError):
            process.join()
            if process.exitcode != -signal.SIGKILL:
                return PromoterResult(task, "broken", lines=(f"its process ended with {process.exitcode}",))
            return PromoterResult(task, "killed", killed_at=task.dies_at or _RANDOM_MOMENT)

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
    """Perform the tasks from the pipe until its other end is closed; no sibling may hold that end open."""
    for end in inherited:
        end.close()
    while True:
        try:
            task = pipe.recv()
        except EOFError:
            return
        pipe.send(_perform(ledger, registry, task))


def _perform(ledger: Ledger, registry: Registry, task: PromoterTask) -> PromoterResult:
    if task.dies_at:
        os.environ["ABREAST_CRASH_AT"] = task.dies_at
    try:
        if task.verb == "sweep":
            return PromoterResult(task, "done", lines=tuple(reconcile_promotions(ledger, registry)))
        if task.verb == "rollback":
            champion = ledger.promotions.champion(registry.name)
            row = restore_previous(ledger, registry, champion, "stress", task.actor).id
            return PromoterResult(task, "done", row=row, champion_left=champion)
        row = promote_version(ledger, registry, task.version, "stress", task.actor, force=task.forced).id
        return PromoterResult(task, "done", row=row)
    except Unavailable as error:
        return PromoterResult(task, "unavailable", lines=(str(error),))
    except AbreastError as error:
        return PromoterResult(task, "refused", lines=(str(error),))
    except Exception as error:
        return PromoterResult(task, "broken", lines=(f"{type(error).__name__}: {error}",))
    finally:
        os.environ.pop("ABREAST_CRASH_AT", None)
