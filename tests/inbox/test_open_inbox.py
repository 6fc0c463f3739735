import gzip
import hashlib
import json
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from abreast.core.errors import AbreastError
from abreast.core.settings import Intake
from abreast.inbox.open_inbox import FolderInbox, deliver, open_inbox

ROW = '{"key": "python/3.12/latest", "value": "3.12.2"}\n'


@pytest.fixture
def inbox(tmp_path: Path) -> FolderInbox:
    return open_inbox(Intake(inbox="inbox"), tmp_path)


@pytest.fixture(params=["folder", pytest.param("s3", marks=pytest.mark.server)])
def any_inbox(request, tmp_path: Path):
    """An empty inbox of each kind."""
    if request.param == "folder":
        return open_inbox(Intake(inbox="inbox"), tmp_path)
    server = request.getfixturevalue("s3")
    return open_inbox(Intake(inbox=f"s3://{server.new_bucket()}/in/box", endpoint=server.endpoint), tmp_path)


def write(path: Path, text: str = ROW) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def names(inbox) -> list[str]:
    return [delivery.name for delivery in inbox.complete()]


def test_a_file_is_complete_when_its_marker_is_there(inbox):
    write(inbox.root / "a.jsonl")
    assert names(inbox) == []
    assert inbox.incomplete() == ["a.jsonl: waits for a.jsonl.done"]
    write(inbox.root / "a.jsonl.done", "")
    assert names(inbox) == ["a.jsonl"]
    assert inbox.incomplete() == []


def test_a_folder_is_complete_when_its_marker_is_there(inbox):
    write(inbox.root / "q1" / "a.jsonl")
    write(inbox.root / "q1" / "more" / "b.csv")
    assert inbox.incomplete() == ["q1: waits for _SUCCESS or manifest.json"]
    write(inbox.root / "q1" / "_SUCCESS", "")
    (delivery,) = inbox.complete()
    assert delivery.files == ("a.jsonl", "more/b.csv")


def test_a_manifest_names_what_must_be_there(inbox):
    write(inbox.root / "q1" / "manifest.json", json.dumps({"files": [{"name": "a.jsonl"}, {"name": "b.jsonl"}]}))
    write(inbox.root / "q1" / "a.jsonl")
    assert inbox.incomplete() == ["q1: waits for b.jsonl, which manifest.json names"]
    write(inbox.root / "q1" / "b.jsonl")
    write(inbox.root / "q1" / "not-promised.jsonl")
    (delivery,) = inbox.complete()
    assert delivery.files == ("a.jsonl", "b.jsonl")


@pytest.mark.parametrize(
    ("promise", "message"),
    [
        ({"sha256": "0" * 64}, "sha256 differs"),
        ({"rows": 2}, "1 rows, manifest.json says 2"),
        ({"sha256": hashlib.sha256(ROW.encode()).hexdigest().upper(), "rows": 1}, None),
    ],
)
def test_files_that_differ_from_the_manifest_are_refused(any_inbox, tmp_path, promise, message):
    manifest = json.dumps({"files": [{"name": "a.jsonl"} | promise]})
    put(any_inbox, {"q1/a.jsonl": ROW, "q1/manifest.json": manifest})
    (delivery,) = any_inbox.complete()
    if message is None:
        assert (any_inbox.fetch(delivery, tmp_path / "out") / "a.jsonl").read_text() == ROW
    else:
        with pytest.raises(AbreastError, match=f"q1.*a.jsonl: {message}"):
            any_inbox.fetch(delivery, tmp_path / "out")


@pytest.mark.parametrize("manifest", ["{", "[]", '{"files": []}', '{"files": [{"name": "../../etc/passwd"}]}'])
def test_a_bad_manifest_keeps_a_delivery_incomplete(any_inbox, manifest):
    put(any_inbox, {"q1/a.jsonl": ROW, "q1/manifest.json": manifest, "q1/_SUCCESS": ""})
    assert names(any_inbox) == []
    (message,) = any_inbox.incomplete()
    assert message.startswith("q1: ") and "manifest.json" in message


def put(inbox, objects: dict[str, str]) -> None:
    """Write into an inbox as a foreign program would."""
    for name, text in objects.items():
        if isinstance(inbox, FolderInbox):
            write(inbox.root / name, text)
        else:
            inbox.client.put_object(Bucket=inbox.bucket, Key=inbox.prefix + name, Body=text.encode())


def test_files_still_being_written_are_ignored(any_inbox):
    hidden = [".a.jsonl", ".a.jsonl.done", "b.jsonl.part", "c.tmp", ".sync/x.jsonl", "q1/.x.jsonl", "q1/y.jsonl.tmp"]
    put(any_inbox, dict.fromkeys([*hidden, "q1/a.jsonl", "q1/_SUCCESS"], ROW))
    (delivery,) = any_inbox.complete()
    assert delivery.files == ("a.jsonl",)
    assert any_inbox.incomplete() == []


def test_a_delivered_file_comes_back_whole(any_inbox, tmp_path):
    origin = tmp_path / "2023-01.jsonl.gz"
    origin.write_bytes(gzip.compress(ROW.encode() * 1000))
    delivery = deliver(origin, any_inbox)
    assert (delivery.name, delivery.files) == ("2023-01.jsonl.gz", ("2023-01.jsonl.gz",))
    assert list(any_inbox.complete()) == [delivery]
    fetched = any_inbox.fetch(delivery, tmp_path / "out")
    assert (fetched / "2023-01.jsonl.gz").read_bytes() == origin.read_bytes()
    assert list(any_inbox.complete()) == [delivery]


def test_a_delivered_folder_comes_back_whole(any_inbox, tmp_path):
    write(tmp_path / "q1" / "a.jsonl")
    write(tmp_path / "q1" / "deep" / "b.csv", "key,value\nk,v\n")
    delivery = deliver(tmp_path / "q1", any_inbox)
    assert delivery.files == ("a.jsonl", "deep/b.csv")
    assert names(any_inbox) == ["q1"]
    fetched = any_inbox.fetch(delivery, tmp_path / "out")
    assert sorted(p.relative_to(fetched).as_posix() for p in fetched.rglob("*.*")) == ["a.jsonl", "deep/b.csv"]


def test_a_folder_may_be_named_like_the_file_within(any_inbox, tmp_path):
    write(tmp_path / "a.jsonl" / "a.jsonl")
    delivery = deliver(tmp_path / "a.jsonl", any_inbox)
    assert list(any_inbox.complete()) == [delivery]
    assert (any_inbox.fetch(delivery, tmp_path / "out") / "a.jsonl").read_text() == ROW


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_the_same_content_is_not_delivered_twice_and_other_content_gets_another_name(any_inbox, tmp_path, kind):
    def content(text: str) -> Path:
        return write(tmp_path / ("a.jsonl" if kind == "file" else "a.jsonl/x.jsonl"), text)

    path = content(ROW) if kind == "file" else content(ROW).parent
    first = deliver(path, any_inbox)
    assert deliver(path, any_inbox) == first
    content(ROW * 2)
    assert deliver(path, any_inbox).name == "a-2.jsonl"
    assert names(any_inbox) == ["a-2.jsonl", "a.jsonl"]


def test_twenty_deliveries_of_one_name_at_once_are_all_kept(any_inbox, tmp_path):
    paths = [write(tmp_path / str(n) / "a.jsonl", ROW * n) for n in range(1, 21)]
    with ThreadPoolExecutor(8) as pool:
        deliveries = list(pool.map(lambda path: deliver(path, any_inbox), paths))
    assert len({d.name for d in deliveries}) == 20
    assert sorted(names(any_inbox)) == sorted(d.name for d in deliveries)


def test_a_delivery_cut_off_before_its_marker_is_completed_by_the_next(inbox, tmp_path):
    write(inbox.root / "a.jsonl")
    assert deliver(write(tmp_path / "a.jsonl"), inbox).name == "a.jsonl"
    assert names(inbox) == ["a.jsonl"]


def test_a_delivery_that_changes_is_not_fetched(any_inbox, tmp_path):
    put(any_inbox, {"q1/a.jsonl": ROW, "q1/_SUCCESS": ""})
    (delivery,) = any_inbox.complete()
    put(any_inbox, {"q1/a.jsonl": ROW + ROW})
    with pytest.raises(AbreastError, match="changed"):
        any_inbox.fetch(delivery, tmp_path / "out")


def test_new_content_changes_the_fingerprint(any_inbox):
    put(any_inbox, {"q1/a.jsonl": ROW, "q1/_SUCCESS": ""})
    before = list(any_inbox.complete())
    assert list(any_inbox.complete()) == before
    put(any_inbox, {"q1/a.jsonl": ROW.replace("3.12.2", "3.12.3"), "q1/_SUCCESS": ""})
    assert list(any_inbox.complete()) != before


@pytest.mark.parametrize("name", [".hidden.jsonl", "a/b.jsonl", "a.part", ".."])
def test_a_name_that_would_not_be_seen_is_refused(inbox, tmp_path, name):
    with pytest.raises(AbreastError, match="expected a plain name"):
        deliver(write(tmp_path / "a.jsonl"), inbox, name)


def test_nothing_to_deliver_is_refused(inbox, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(AbreastError, match="no such file or folder"):
        deliver(tmp_path / "missing.jsonl", inbox)
    with pytest.raises(AbreastError, match="holds no file; expected data files"):
        deliver(tmp_path / "empty", inbox)
    with pytest.raises(AbreastError, match=r"holds notes.txt; expected data files \(.jsonl"):
        deliver(write(tmp_path / "notes.txt"), inbox)


def test_an_inbox_that_cannot_be_a_folder_names_the_knob(tmp_path):
    write(tmp_path / "inbox")
    with pytest.raises(AbreastError, match="knob `intake.inbox`"):
        open_inbox(Intake(inbox="inbox"), tmp_path)
    with pytest.raises(AbreastError, match="knob `intake.inbox` is 'ftp://host/x'"):
        open_inbox(Intake(inbox="ftp://host/x"), tmp_path)


@pytest.mark.server
def test_a_page_is_listed_at_a_time(s3, tmp_path):
    bucket = s3.new_bucket()
    for number in range(1005):
        s3.client.put_object(Bucket=bucket, Key=f"{number:04}.jsonl", Body=b"{}")
    inbox = open_inbox(Intake(inbox=f"s3://{bucket}", endpoint=s3.endpoint), tmp_path)
    assert next(iter(inbox.complete())).name == "0000.jsonl"
    assert len(names(inbox)) == 1005


@pytest.mark.server
@pytest.mark.parametrize(
    ("knobs", "environment", "message"),
    [
        ({"inbox": "s3://no-such-bucket/in"}, {}, "`intake.inbox`: s3://no-such-bucket/in/: no such bucket"),
        ({"endpoint": "http://127.0.0.1:1"}, {}, "`intake.endpoint`: no S3 server answers at http://127.0.0.1:1"),
        ({"endpoint": "127.0.0.1:1"}, {}, "`intake.endpoint` is '127.0.0.1:1': expected a URL"),
        ({}, {"AWS_SECRET_ACCESS_KEY": "wrong"}, r"`intake.inbox`: .* refused \(SignatureDoesNotMatch\)"),
        ({"inbox": "s3:///prefix"}, {}, "names no bucket"),
    ],
)
def test_a_wrong_s3_inbox_is_reported_in_one_line(s3, tmp_path, monkeypatch, knobs, environment, message):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    intake = Intake(**({"inbox": f"s3://{s3.new_bucket()}/in", "endpoint": s3.endpoint} | knobs))
    with pytest.raises(AbreastError, match=message) as refusal:
        list(open_inbox(intake, tmp_path).complete())
    assert "\n" not in str(refusal.value)


def test_missing_credentials_are_reported(tmp_path, monkeypatch):
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(AbreastError, match="no AWS credentials were found; set AWS_ACCESS_KEY_ID"):
        list(open_inbox(Intake(inbox="s3://bucket/in", endpoint="http://127.0.0.1:1"), tmp_path).complete())
