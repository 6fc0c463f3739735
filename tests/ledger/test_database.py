import sqlite3

import pytest

from abreast.core.errors import AbreastError, Unavailable
from abreast.ledger import open_ledger
from tests.lifecycle.ledgers import at_once, deliver


def test_many_processes_may_make_the_tables_at_once(ledger_url, tmp_path):
    assert at_once(lambda _: open_ledger(ledger_url, tmp_path).drops.all(), 8) == [[]] * 8


def test_a_relative_file_lies_in_the_project_and_is_in_wal_mode(tmp_path):
    open_ledger("sqlite:///.abreast/ledger.db", tmp_path)
    with sqlite3.connect(tmp_path / ".abreast" / "ledger.db") as raw:
        assert raw.execute("PRAGMA journal_mode").fetchone() == ("wal",)


def test_what_was_written_is_there_after_reopening(ledger_url, tmp_path):
    deliver(open_ledger(ledger_url, tmp_path), "first")
    assert [drop.name for drop in open_ledger(ledger_url, tmp_path).drops.all()] == ["first"]


def test_a_file_that_is_no_database_is_named(tmp_path):
    (tmp_path / "ledger.db").write_text("this is not a database, only text that is long enough to look at" * 20)
    with pytest.raises(AbreastError, match=r"storage\.ledger.*ledger\.db.*not a database"):
        open_ledger("sqlite:///ledger.db", tmp_path)


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(AbreastError, match=r"storage\.ledger.*cannot make its folder"):
        open_ledger("sqlite:///file/ledger.db", tmp_path)


@pytest.mark.parametrize("url", ["nonsense", "mysql://host/db", "sqlite://", "sqlite:///:memory:"])
def test_a_url_of_another_kind_is_refused_with_an_example(url, tmp_path):
    with pytest.raises(AbreastError, match=r"storage\.ledger.*sqlite:///"):
        open_ledger(url, tmp_path)


def test_an_unreachable_server_is_named_without_its_password(tmp_path):
    with pytest.raises(Unavailable, match=r"storage\.ledger") as refusal:
        open_ledger("postgresql://someone:secret@127.0.0.1:1/abreast", tmp_path)
    assert "secret" not in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_tables_of_another_version_are_refused(tmp_path):
    open_ledger("sqlite:///ledger.db", tmp_path)
    with sqlite3.connect(tmp_path / "ledger.db") as raw:
        raw.execute("UPDATE ledger_schema SET version = 99")
    with pytest.raises(AbreastError, match="tables of version 99"):
        open_ledger("sqlite:///ledger.db", tmp_path)
