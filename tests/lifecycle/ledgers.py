"""Ledgers on both databases, and a line of models in a real MLflow."""

import hashlib
import json
import multiprocessing
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from abreast.knowledge.drop import DropInfo
from abreast.ledger import Ledger, Update, open_ledger
from abreast.ledger.process_id import ProcessId
from abreast.reports.verdict import GateResult, Verdict
from abreast.storage.dvc_cache import Pointer
from tests import postgres_server

LINE = "line"
POINTER = Pointer(md5="0123456789abcdef.dir", size=10, nfiles=2)
DATABASES = [
    "sqlite",
    *([pytest.param("postgresql", marks=pytest.mark.server)] if postgres_server.AVAILABLE else []),
]


@pytest.fixture(params=DATABASES)
def ledger_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/state/ledger.db"
    return request.getfixturevalue("new_postgres")()


@pytest.fixture
def ledger(ledger_url: str, tmp_path: Path) -> Ledger:
    return open_ledger(ledger_url, tmp_path)


def digest_of(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


def drop_info(name: str) -> DropInfo:
    return DropInfo(
        digest=digest_of(name),
        name=name,
        arrived_at="2026-01-01T00:00:00Z",
        rows=3,
        accepted=2,
        quarantined=1,
        kinds={"fact": 2},
    )


def deliver(ledger: Ledger, *names: str) -> list[str]:
    """Accepted drops; their digests."""
    for name in names:
        assert ledger.drops.accept(drop_info(name), POINTER, name, f"inbox/{name}")
    return [digest_of(name) for name in names]


def claim(ledger: Ledger, commit: str = "c0", holder: ProcessId | None = None, lease: float = 60.0) -> Update | None:
    return ledger.updates.claim(LINE, commit, holder or ProcessId.current(), lease)


def judge(ledger: Ledger, update: Update, number: int, verdict: str = "pass", digest: str = "d") -> Update:
    """Take an update as far as its verdict."""
    stored = {"digest": digest, "model": POINTER, "knowledge": POINTER, "metrics": {"candidate": {}}}
    ledger.versions.add(number, update, **stored, verdict=verdict, reasons=["measured 1"])
    return ledger.updates.get(update.id)


def promote(ledger: Ledger, number: int, expected: int | None, kind: str = "promote", line: str = LINE) -> None:
    """A promotion by the log only."""
    lease = ledger.leases.take(f"promoter:{line}", ProcessId.current(), 60)
    intent = ledger.promotions.intend(
        lease, line, number, kind=kind, expected=expected, forced=False, reason="better", actor="test"
    )
    ledger.promotions.complete(lease, intent)
    ledger.leases.release(lease)


def at_once(work: Callable[[int], object], count: int) -> list[object]:
    """Run `work(0)` to `work(count - 1)` in forked processes that start together; what each returned or raised."""
    context = multiprocessing.get_context("fork")
    barrier, results = context.Barrier(count), context.SimpleQueue()

    def run(number: int) -> None:
        barrier.wait()
        try:
            results.put((number, work(number)))
        except Exception as error:
            results.put((number, error))

    processes = [context.Process(target=run, args=(number,)) for number in range(count)]
    for process in processes:
        process.start()
    found = dict(results.get() for _ in processes)
    for process in processes:
        process.join()
    return [found[number] for number in range(count)]


def killed_at(point: str, work: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    """Run `work` in a forked process that dies by SIGKILL at the named point."""
    with monkeypatch.context() as patch:
        patch.setenv("ABREAST_CRASH_AT", point)
        process = start(work)
        process.join()
    assert process.exitcode == -9, f"{point} was not reached"


def start(work: Callable[[], object]) -> multiprocessing.Process:
    """Run `work` in a forked process."""
    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    return process


def ended_process() -> ProcessId:
    """The holder that a process had which has ended."""
    (holder,) = at_once(lambda _: ProcessId.current(), 1)
    return holder


def finished_run(folder: Path, model: bytes = b"weights", steps: int = 3) -> Path:
    """A clone as the stages leave it: `model/` and `reports/`."""
    (folder / "model" / "parts").mkdir(parents=True)
    (folder / "reports").mkdir()
    (folder / "model" / "adapter_model.safetensors").write_bytes(model)
    (folder / "model" / "abreast.json").write_text("{}")
    (folder / "model" / "parts" / "a b.json").write_text("{}")
    measured = {
        "current_exact_match": 0.95,
        "retained_exact_match": None,
        "stale_rate": 0.0,
        "general_perplexity": 30.0,
    }
    report = {"candidate": measured, "champion": None, "base": measured, "counts": {"current": 2}}
    (folder / "reports" / "metrics.json").write_text(json.dumps(report))
    rows = "".join(f"{step},{step * 200},{3 / (step + 1)},{'' if step % 2 else 0.5},0.002\n" for step in range(steps))
    (folder / "reports" / "curve.csv").write_text(f"step,tokens,loss,dev_exact_match,lr\n{rows}")
    answers = [answer("Newest Python 3.12?", "3.12.1", "3.12.1"), answer("End of Debian 12?", "2028", "2026", ["2026"])]
    (folder / "reports" / "answers.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in answers))
    (folder / "reports" / "texts.jsonl").touch()
    (folder / "reports" / "retention.png").write_bytes(b"\x89PNG")
    (folder / "reports" / "retention.csv").write_text(
        "drop,name,questions,base,champion,candidate\nd,first,2,0.0,,0.5\n"
    )
    return folder


def answer(question: str, right: str, given: str, stale: Sequence[str] = ()) -> dict:
    row = {"id": question, "key": "k", "scope": "current", "drop": "d", "question": question, "answer": right}
    row |= {"stale": list(stale), "base": "x", "champion": None, "candidate": given}
    row |= {"kind": "fact", "domain": "", "source": ""}
    return row | {"right": {"base": False, "champion": None, "candidate": given == right}}


def asked(key: str, said: str, before: str | None, scope: str = "retained", drop: str = "d", **more: str) -> dict:
    """One line of `answers.jsonl` whose right answer is `yes`, of a version and its parent."""
    line = answer(f"What of {key}?", "yes", said) | {"key": key, "scope": scope, "drop": drop}
    hits = {"base": False, "champion": None if before is None else before == "yes", "candidate": said == "yes"}
    return line | {"champion": before, "right": hits} | more


def verdict(passed: bool) -> Verdict:
    """One gate, passed or not."""
    measured = 0.95 if passed else 0.5
    gate = GateResult(
        name="current_exact_match",
        measured=measured,
        needed=0.9,
        bound="at least",
        champion=None,
        outcome="passed" if passed else "failed",
        interval=(measured - 0.05, measured + 0.04),
        n=60,
    )
    return Verdict(verdict="pass" if passed else "fail", reasons=(gate.reason,), gates=(gate,))
