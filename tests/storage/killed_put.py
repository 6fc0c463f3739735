"""Put a drop, killed at the n-th touch of the file system, for n = 1, 2, ...; then put it again and look at it.

Run as a program, so that each attempt is forked from one process that has imported everything and runs no threads.
"""

import os
import shutil
import signal
import sys
from pathlib import Path

from abreast.core.home import Home
from abreast.core.settings import Storage
from abreast.knowledge.drop import DropInfo, read_drop
from abreast.knowledge.record import parse_record
from abreast.storage.drop_store import Store

DIGEST = "ab" * 32
RECORDS = [parse_record({"key": f"k{n}", "value": str(n)}) for n in range(50)]
INFO = DropInfo(
    digest=DIGEST, name="a", arrived_at="2024-04-02T08:00:00Z", rows=50, accepted=50, quarantined=0, kinds={}
)
TOUCHES = ("os.rename", "os.remove", "os.link", "os.mkdir", "os.rmdir", "os.chmod", "os.truncate")


def touches(event: str, arguments: tuple) -> bool:
    """Whether an audited event changes a file."""
    return event in TOUCHES or (event == "open" and bool(arguments[2] & (os.O_WRONLY | os.O_RDWR)))


def put_and_die(root: Path, at: int) -> None:
    """In a child: die at the given touch; exit 0 if the put was done before."""
    seen = 0

    def hook(event: str, arguments: tuple) -> None:
        nonlocal seen
        if touches(event, arguments):
            seen += 1
            if seen == at:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    store(root).put(INFO, RECORDS)
    os._exit(0)


def store(root: Path) -> Store:
    return Store(Home(root / "home"), Storage(remote="remote"), root)


def main(root: Path, step: int) -> None:
    """Try every `step`-th touch; prints how many kills there were."""
    store(root / "warm").put(INFO, RECORDS)
    expected = store(root / "warm").pointer(DIGEST)
    at, kills = 1, 0
    while True:
        if (child := os.fork()) == 0:
            put_and_die(root / str(at), at)
        _, status = os.waitpid(child, 0)
        here = store(root / str(at))
        pointer = here.put(INFO, RECORDS)
        assert pointer == expected, (at, pointer)
        info, records = read_drop(here.home.drops / DIGEST)
        assert len(records) == 50 and here.info(DIGEST) == info
        shutil.rmtree(here.home.cache)
        shutil.rmtree(here.home.drops / DIGEST)
        assert here.info(DIGEST) == info, at
        left = [p.name for p in here.home.drops.iterdir() if p.name.startswith(".incoming")]
        assert left == [], (at, left)
        shutil.rmtree(root / str(at))
        if not os.WIFSIGNALED(status):
            assert os.waitstatus_to_exitcode(status) == 0
            print(kills)
            return
        at, kills = at + step, kills + 1


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
