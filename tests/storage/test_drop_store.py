import contextlib
import hashlib
import resource
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from dvc.repo import Repo

from abreast.core.errors import AbreastError, Unavailable
from abreast.core.home import Home
from abreast.core.settings import Storage
from abreast.knowledge.drop import DropInfo, read_drop
from abreast.knowledge.record import parse_record
from abreast.storage.drop_store import Pointer, Store, configure_clone, place


def info(number: int = 1, **changes) -> DropInfo:
    plain = {"name": "2024-04", "arrived_at": "2024-04-02T08:00:00Z", "rows": 3, "quarantined": 0, "kinds": {"fact": 3}}
    return DropInfo(**{"digest": f"{number:064x}", "accepted": 3} | plain | changes)


def records(number: int = 1) -> list:
    return [parse_record({"key": f"k{n}", "value": f"{number}.{n}"}) for n in range(3)]


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(Home(tmp_path / ".abreast"), Storage(), tmp_path)


@pytest.fixture(params=["folder", pytest.param("s3", marks=pytest.mark.server)])
def any_store(request, tmp_path: Path) -> Store:
    """An empty store with a remote of each kind."""
    storage = Storage()
    if request.param == "s3":
        server = request.getfixturevalue("s3")
        storage = Storage(remote=f"s3://{server.new_bucket()}/remote", endpoint=server.endpoint)
    return Store(Home(tmp_path / ".abreast"), storage, tmp_path)


def new_clone(store: Store, name: str = "clone") -> Path:
    clone = store.project_root / name
    subprocess.run(["git", "init", "--quiet", str(clone)], check=True)
    (clone / ".dvc").mkdir()
    (clone / ".dvc" / "config").write_text("[core]\n    remote = elsewhere\n")
    configure_clone(clone, store.home, store.storage, store.project_root)
    return clone


def test_a_drop_is_kept_and_can_be_placed(store):
    pointer = store.put(info(), records())
    assert pointer.md5.endswith(".dir") and pointer.nfiles == 2 and pointer.size > 100
    assert store.pointer(info().digest) == pointer
    placed = place(new_clone(store), "data/drops/x", pointer)
    assert read_drop(placed) == read_drop(store.home.drops / info().digest)
    assert read_drop(placed)[1] == records()


def test_a_drop_that_is_kept_stays_as_it_is(store):
    first = store.put(info(), records())
    assert store.put(info(name="other", arrived_at="2025-01-01T00:00:00Z"), records()) == first
    assert store.info(info().digest).name == "2024-04"


def test_a_kept_drop_comes_back_from_the_remote(any_store):
    pointer = any_store.put(info(), records())
    shutil.rmtree(any_store.home.cache)
    shutil.rmtree(any_store.home.drops / info().digest)
    placed = place(new_clone(any_store), "data/drops/x", pointer)
    assert read_drop(placed)[1] == records()
    assert any_store.info(info().digest).name == "2024-04"


def test_a_file_is_placed_from_cache_and_from_remote(any_store):
    any_store.put(info(), records())
    content = (any_store.home.drops / info().digest / "records.jsonl").read_bytes()
    pointer = Pointer(md5=hashlib.md5(content).hexdigest(), size=len(content))
    clone = new_clone(any_store)
    assert place(clone, "data/parent/knowledge.parquet", pointer).read_bytes() == content
    shutil.rmtree(any_store.home.cache)
    assert place(new_clone(any_store, "second"), "data/parent/knowledge.parquet", pointer).read_bytes() == content
    assert any_store.fetch("known/x.parquet", pointer).read_bytes() == content


def test_placing_from_the_cache_asks_no_remote_and_links(s3_is_down):
    pointer = s3_is_down.put_offline(info(), records())
    placed = place(new_clone(s3_is_down.store), "data/drops/x", pointer)
    assert read_drop(placed)[1] == records()
    assert (placed / "records.jsonl").stat().st_nlink > 1


@pytest.fixture
def s3_is_down(tmp_path: Path, monkeypatch):
    """A store whose remote is an S3 server that does not answer, with a drop in the cache."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "2")

    class Down:
        store = Store(Home(tmp_path / "h"), Storage(remote="s3://b/r", endpoint="http://127.0.0.1:1"), tmp_path)

        def put_offline(self, info, records) -> Pointer:
            with contextlib.suppress(Unavailable):
                self.store.put(info, records)
            return self.store.pointer(info.digest)

    return Down()


def test_a_placed_content_is_replaced(store):
    first, second = store.put(info(1), records(1)), store.put(info(2), records(2))
    clone = new_clone(store)
    place(clone, "data/parent/model", first)
    place(clone, "data/parent/model", first)
    placed = place(clone, "data/parent/model", second)
    assert read_drop(placed)[1] == records(2)


def test_dvc_itself_agrees_with_what_was_kept_and_placed(store):
    pointer = store.put(info(), records())
    clone = new_clone(store)
    place(clone, "data/drops/x", pointer)
    for folder in (store.home.drops, clone):
        with Repo(str(folder)) as repo:
            assert repo.status() == {}
            assert [str(out.hash_info.value) for out in repo.index.outs] == [pointer.md5]


def test_missing_content_is_reported(store):
    pointer = store.put(info(), records())
    shutil.rmtree(store.home.cache)
    shutil.rmtree(store.project_root / ".abreast" / "remote")
    with pytest.raises(AbreastError, match="data/drops/x: neither the DVC cache nor") as refusal:
        place(new_clone(store), "data/drops/x", pointer)
    assert "\n" not in str(refusal.value)
    with pytest.raises(AbreastError, match="model: neither the DVC cache nor the remote holds 00000"):
        place(new_clone(store, "second"), "model", Pointer(md5="0" * 32, size=1))


def test_many_puts_at_once_of_few_drops_agree(store):
    with ThreadPoolExecutor(4) as pool:
        pointers = list(pool.map(lambda n: store.put(info(n % 2), records(n % 2)), range(8)))
    assert len({p.md5 for p in pointers}) == 2
    assert read_drop(store.home.drops / info(1).digest)[1] == records(1)


def test_a_put_killed_at_any_disk_access_converges(tmp_path):
    program = Path(__file__).with_name("killed_put.py")
    done = subprocess.run(
        [sys.executable, str(program), str(tmp_path), "9"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert int(done.stdout.splitlines()[-1]) >= 10


class TinyDisk:
    """A file system of 256 KiB that is almost full; where nothing may be mounted, a limit on the size of files."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
        self.mounted = subprocess.run(mount, capture_output=True, check=False).returncode == 0
        self.limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        if self.mounted:
            (folder / "filler").write_bytes(b"x" * 200_000)
        else:
            resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, self.limits[1]))

    def make_room(self) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, self.limits)
        (self.folder / "filler").unlink(missing_ok=True)

    def end(self) -> None:
        self.make_room()
        if self.mounted:
            subprocess.run(["umount", "--lazy", str(self.folder)], check=True)


@pytest.fixture
def tiny_disk(tmp_path: Path):
    disk = TinyDisk(tmp_path / "tiny")
    yield disk
    disk.end()


def big() -> list:
    return [parse_record({"key": f"k{n}", "value": "x" * 100}) for n in range(700)]


@pytest.mark.parametrize("part", ["drops", "cache", "remote"])
def test_a_full_disk_is_reported_and_leaves_nothing_half_done(store, tiny_disk, part):
    elsewhere = store.home.root / part
    elsewhere.parent.mkdir(exist_ok=True)
    elsewhere.symlink_to(tiny_disk.folder)
    drop = info(accepted=700)
    with pytest.raises(Unavailable, match=f"({part}|tiny).*(the disk is full|too large)") as refusal:
        store.put(drop, big())
    assert "\n" not in str(refusal.value)
    tiny_disk.make_room()
    pointer = store.put(drop, big())
    assert len(read_drop(place(new_clone(store), "x", pointer))[1]) == 700
    assert [p.name for p in store.home.drops.glob(".incoming*")] == []


@pytest.mark.server
@pytest.mark.parametrize(
    ("knobs", "environment", "message"),
    [
        ({"remote": "s3://no-such-bucket/r"}, {}, "`storage.remote`"),
        ({"endpoint": "http://127.0.0.1:1"}, {}, "`storage.endpoint`"),
        ({}, {"AWS_SECRET_ACCESS_KEY": "wrong"}, "`storage.remote`"),
    ],
)
def test_a_wrong_remote_is_reported_in_one_line(s3, tmp_path, monkeypatch, knobs, environment, message):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "2")
    storage = Storage(**({"remote": f"s3://{s3.new_bucket()}/r", "endpoint": s3.endpoint} | knobs))
    store = Store(Home(tmp_path / ".abreast"), storage, tmp_path)
    with pytest.raises(AbreastError, match=message) as refusal:
        store.put(info(), records())
    assert "\n" not in str(refusal.value)
