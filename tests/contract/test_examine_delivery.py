import json
import stat
from pathlib import Path

import pytest

from abreast.contract.examine_delivery import ExaminationResult, examine_delivery, write_quarantine
from abreast.core.errors import AbreastError
from abreast.core.home import Home
from abreast.core.settings import Contract, Intake, Params
from abreast.inbox.open_inbox import FolderInbox, deliver
from tests.lifecycle.ledgers import killed_at

ROOT = Path(__file__).parents[2]
REAL = ROOT.parent / "shared" / "data" / "lifecycle"


def facts(count: int, start: int = 0, value: str = "{0}.1") -> list[dict]:
    return [{"key": f"k{n}", "value": value.format(n), "as_of": "2024-04-01"} for n in range(start, start + count)]


@pytest.fixture
def look(tmp_path: Path):
    """Examine rows, or lines, put into files."""

    def examine_rows(*files: list, known: dict | None = None, former: dict | None = None, **knobs) -> ExaminationResult:
        folder = tmp_path / "delivery"
        folder.mkdir(exist_ok=True)
        for number, rows in enumerate(files):
            lines = (row if isinstance(row, str) else json.dumps(row) for row in rows)
            (folder / f"{number}.jsonl").write_text("".join(f"{line}\n" for line in lines))
        params = Params(intake=Intake(**knobs))
        return examine_delivery(folder, "2024-04", known or {}, params, Home(tmp_path / "home"), ROOT, former)

    return examine_rows


def test_a_good_drop_is_accepted(look):
    examined = look(facts(30))
    assert (examined.verdict, examined.rows, len(examined.records)) == ("accepted", 30, 30)
    assert examined.reasons == examined.quarantined == ()
    info = examined.info("2024-04", "2024-04-02T08:00:00Z")
    assert (info.digest, info.accepted, info.kinds) == (examined.digest, 30, {"fact": 30})


def test_a_drop_of_one_row_is_accepted(look):
    assert look(facts(1)).verdict == "accepted"
    assert look(facts(1), known={"k0": "0.0"}).verdict == "accepted"


def test_the_digest_depends_on_the_rows_not_on_how_they_are_split(look):
    whole = look(facts(30)).digest
    assert look(list(reversed(facts(10))), facts(20, start=10)).digest == whole
    assert look(facts(29)).digest != whole


def test_few_bad_rows_are_set_aside_and_the_drop_is_accepted(look):
    examined = look([*facts(40), "{", {"key": "k", "value": 1}])
    assert examined.verdict == "accepted"
    assert [str(reason) for reason in examined.quarantined] == [
        "0.jsonl: row 41: line: not valid JSON: Expecting property name enclosed in double quotes at column 2",
        "0.jsonl: row 42: value: must be text, got int",
    ]


def test_many_bad_rows_refuse_the_drop(look):
    examined = look([*facts(8), "{", {"key": "k", "value": 1}])
    assert examined.verdict == "quarantined"
    assert examined.reasons == ("2 of 10 rows are at fault (20.0%); the knob `intake.max_bad_share` allows 5.0%",)
    assert look([*facts(8), "{"], max_bad_share=0.2).verdict == "accepted"


def test_a_file_delivered_twice_in_one_folder_is_no_fault(look):
    examined = look(facts(30), facts(30))
    assert (examined.verdict, len(examined.records), len(examined.quarantined)) == ("accepted", 30, 30)


def test_a_kind_that_is_not_accepted_refuses_the_drop_and_names_the_knob(look):
    examined = look([{"text": f"text {n}"} for n in range(3)], kinds=("fact", "instruction"))
    assert examined.reasons[1] == "records of kind text are not taken; the knob `intake.kinds` takes fact, instruction"


@pytest.mark.parametrize(
    "row",
    [
        lambda n: {"tokens": ["Ada", f"sang{n}"], "tags": ["B-PER", "O"]},
        lambda n: {"text": f"房间 {n}", "target": n},
        lambda n: {"text": f"卡 {n} 呢？", "label": "到货"},
        lambda n: {"text": f"Day {n} was dry."},
        lambda n: {"messages": [{"role": "user", "content": f"{n}?"}, {"role": "assistant", "content": "yes"}]},
    ],
)
def test_a_drop_of_any_kind_is_accepted(look, row):
    examined = look([row(n) for n in range(30)])
    assert (examined.verdict, examined.reasons, len(examined.records)) == ("accepted", (), 30)


def test_an_empty_drop_is_refused(look):
    assert look([]).reasons == ("drop 2024-04: holds no rows; expected at least one",)


@pytest.mark.parametrize(("name", "content"), [("x.txt", b"x"), ("x.parquet", b"PAR1"), ("x.jsonl.gz", b"\x1f\x8b")])
def test_a_file_that_cannot_be_read_refuses_the_drop(look, tmp_path, name, content):
    (tmp_path / "delivery").mkdir()
    (tmp_path / "delivery" / name).write_bytes(content)
    first = look(facts(3))
    assert first.verdict == "quarantined" and name in first.reasons[0]
    (tmp_path / "delivery" / name).write_bytes(content + b"more")
    assert look(facts(3)).digest != first.digest


def test_a_drop_that_gives_known_keys_one_value_is_stopped(look):
    known = {f"k{n}": f"{n}.0" for n in range(60)}
    examined = look(facts(30, value="9.9.9") + facts(5, start=30), known=known)
    assert examined.verdict == "quarantined"
    assert examined.reasons == (
        "drop 2024-04: 86% of the 35 known keys that change now have the one value '9.9.9'; "
        "at most 50% may have one and the same",
    )


def test_a_drop_that_changes_few_keys_or_unknown_ones_to_one_value_is_accepted(look):
    known = {f"k{n}": f"{n}.0" for n in range(60)}
    assert look(facts(19, value="ended"), known=known).verdict == "accepted"
    assert look(facts(60, value="ended", start=100), known=known).verdict == "accepted"
    assert look(facts(60, value="ended")).verdict == "accepted"
    assert look(facts(60, value="{0}.0"), known=known).verdict == "accepted"


def test_a_drop_that_withdraws_most_is_stopped(look):
    known = {f"k{n}": f"{n}.0" for n in range(60)}
    withdrawn = [row | {"value": None} for row in facts(50)]
    assert "100% of the rows withdraw what is known" in look(withdrawn, known=known).reasons[0]
    assert look(withdrawn[:40], known=known).verdict == "accepted"


def test_old_values_given_as_new_are_refused_but_dated_ones_become_history(look):
    known = {f"k{n}": f"{n}.2" for n in range(30)}
    former = {f"k{n}": {f"{n}.1": "2024-06-01"} for n in range(30)}
    undated = [{name: value for name, value in row.items() if name != "as_of"} for row in facts(20)]
    for again in (undated, [row | {"as_of": "2025-04-01"} for row in facts(20)]):
        refused = look(again, known=known, former=former)
        assert refused.verdict == "quarantined"
        assert refused.reasons == (
            "drop 2024-04: 100% of the 20 known keys that change get back a value that had ended, as if it were new; "
            "at most 50% may: give the rows their days in as_of",
        )
        assert look(again, known=known).verdict == "accepted", "nothing is known of what was before"
    assert look(facts(20), known=known, former=former).verdict == "accepted"
    assert look(undated[:9] + facts(10, start=20, value="{0}.3"), known=known, former=former).verdict == "accepted"


def test_values_with_a_pattern_that_the_field_never_had_are_refused(look):
    def versions(count: int, value: str, start: int = 0) -> list[dict]:
        return [{"key": f"tool/{n}/latest", "value": value.format(n)} for n in range(start, start + count)]

    known = {row["key"]: row["value"] for row in versions(30, "{0}.1")}
    refused = look(versions(4, "unknown") + versions(3, "{0}.2", start=10), known=known)
    assert refused.verdict == "quarantined"
    assert refused.reasons == (
        "drop 2024-04: 57% of the 7 values that change are of a form that no known value of their field has, such as "
        "'unknown'; at most 50% may",
    )
    assert look(versions(3, "unknown") + versions(3, "{0}.2", start=10), known=known).verdict == "accepted"
    assert look(versions(3, "unknown"), known=known).verdict == "accepted", "too few to say"
    assert look(versions(9, "unknown", start=50), known=known).verdict == "accepted", "new keys are free"
    assert look(versions(9, "{0}.2-rc1"), known=known | {"a/latest": "1.0-rc1"}).verdict == "accepted"


def test_the_data_docs_are_kept_and_hold_no_rows(look, tmp_path):
    known = {f"k{n}": f"{n}.0" for n in range(60)}
    examined = look(facts(40, value="9.9.9"), known=known)
    docs = tmp_path / "home" / "data_docs"
    page = (docs / f"{examined.digest}.html").read_text()
    assert "now have the one value &#x27;9.9.9&#x27;" in page and "k17" not in page
    look(facts(40, value="9.9.9"), known=known)
    assert (docs / "index.html").read_text().count("1 of") == 1


def test_a_kill_leaves_no_second_copy_of_the_bad_rows_in_quarantine(look, tmp_path, monkeypatch):
    examined, home = look("a.jsonl", [*facts(1), "{"]), Home(tmp_path / "home")
    killed_at("quarantine.written", lambda: write_quarantine(home, examined), monkeypatch)
    assert len(list(home.quarantine.iterdir())) == 1
    assert list(home.quarantine.iterdir()) != [home.quarantine / examined.digest]
    write_quarantine(home, examined)
    assert list(home.quarantine.iterdir()) == [home.quarantine / examined.digest]


def test_quarantine_holds_reasons_and_rows_but_no_personal_data(look, tmp_path):
    secret = facts(1, start=70)[0] | {"value": "ask jane@example.org"}
    broken = '{"key": "k", "value": "4111 1111 1111 1111"'
    examined = look([*facts(2), "{", secret, broken])
    folder = write_quarantine(Home(tmp_path / "home"), examined)
    assert folder == write_quarantine(Home(tmp_path / "home"), examined)
    assert sorted(p.name for p in folder.iterdir()) == ["drop.json", "reasons.jsonl", "rows.jsonl"]
    assert [p.name for p in folder.parent.iterdir()] == [examined.digest]
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    reasons = [json.loads(line) for line in (folder / "reasons.jsonl").read_text().splitlines()]
    assert [(r["file"], r["row"], r["field"]) for r in reasons] == [
        ("0.jsonl", 3, "line"),
        ("0.jsonl", 4, "value"),
        ("0.jsonl", 5, "line"),
    ]
    rows = [json.loads(line) for line in (folder / "rows.jsonl").read_text().splitlines()]
    assert rows[0]["text"] == "{" and rows[1]["withheld"] == rows[2]["withheld"] == "personal data"
    everything = "".join(p.read_text() for p in folder.iterdir())
    assert "jane" not in everything and "4111" not in everything
    assert json.loads((folder / "drop.json").read_text())["verdict"] == "quarantined"


@pytest.mark.parametrize(
    ("contract", "message"),
    [
        ("expectations: [{type: expect_nothing, kwargs: {}, message: x}]", "expectation 1: expect_nothing is unknown"),
        (
            "expectations: [{type: expect_column_max_to_be_between, message: x}]",
            "expectation 1: kwargs: Field required",
        ),
        (
            "expectations: [{type: expect_column_max_to_be_between, kwargs: {colour: red}, message: x}]",
            "1 .*: kwargs: ",
        ),
        (
            "expectations: [{type: expect_column_values_to_not_be_null, kwargs: {column: colour}, message: x}]",
            r"expectation 1 \(expect_column_values_to_not_be_null\): .*colour",
        ),
        (
            "expectations: [{type: expect_column_values_to_be_in_set, kwargs: {column: kind, value_set: [x]}, "
            "message: '{colour}'}]",
            "message: cannot be filled in",
        ),
        ("expectations: 5", "expected a list under `expectations`"),
        ("expectations: [", "not valid YAML"),
    ],
)
def test_an_invalid_contract_is_reported_with_file_and_entry(tmp_path, contract, message):
    (tmp_path / "mine.yaml").write_text(contract)
    (tmp_path / "a.jsonl").write_text(json.dumps(facts(1)[0]))
    params = Params(contract=Contract(file="mine.yaml"))
    with pytest.raises(AbreastError, match=f"mine.yaml: .*{message}") as refusal:
        examine_delivery(tmp_path / "a.jsonl", "a", {}, params, Home(tmp_path / "home"), tmp_path)
    assert "\n" not in str(refusal.value)


def test_a_missing_contract_names_the_knob(tmp_path):
    (tmp_path / "a.jsonl").write_text(json.dumps(facts(1)[0]))
    with pytest.raises(AbreastError, match=r"contract.yaml: No such file or directory; the knob `contract.file`"):
        examine_delivery(tmp_path / "a.jsonl", "a", {}, Params(), Home(tmp_path / "home"), tmp_path)


def test_each_sample_drop_ends_as_intended(tmp_path):
    known: dict[str, str | None] = {}
    inbox = FolderInbox(tmp_path / "inbox")
    inbox.root.mkdir()
    for drop in (ROOT / "samples" / "drops").iterdir():
        deliver(drop, inbox)
    verdicts = {}
    for delivery in inbox.complete():
        files = inbox.fetch(delivery, tmp_path / "files" / delivery.name)
        examined = examine_delivery(files, delivery.name, known, Params(), Home(tmp_path / "home"), ROOT)
        verdicts[delivery.name] = examined.verdict
        if not delivery.name.startswith("bad"):
            assert examined.quarantined == ()
            known |= {record.key: record.value for record in examined.records}
    refused = sorted(name for name, verdict in verdicts.items() if verdict == "quarantined")
    assert refused == ["bad-malformed", "bad-suspicious"]


@pytest.mark.slow
def test_real_drops_pass_and_only_defective_rows_are_set_aside(tmp_path):
    known: dict[str, str | None] = {}
    set_aside = []
    for file in sorted(REAL.glob("*.jsonl.gz")):
        examined = examine_delivery(file, file.name, known, Params(), Home(tmp_path / "home"), ROOT)
        assert examined.verdict == "accepted", examined.reasons
        set_aside += [row["data"]["value"] for row in examined.set_aside]
        known |= {record.key: record.value for record in examined.records}
    assert [value for value in set_aside if value != "" and "\t" not in value] == []
