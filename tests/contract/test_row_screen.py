import time

import pytest

from abreast.contract.row_screen import ScreenResult, screen
from abreast.core.settings import Intake
from abreast.inbox.reader import RawRow

FACT = {"key": "python/3.12/latest", "value": "3.12.2", "as_of": "2024-04-01"}
ALL = Intake(kinds=("fact", "instruction", "classification", "tagging", "regression", "text"))


def rows(*data: dict | None) -> list[RawRow]:
    return [RawRow("a.jsonl", number, row) for number, row in enumerate(data, start=1)]


def screened(*data: dict, intake: Intake = ALL) -> ScreenResult:
    return screen(rows(*data), intake)


def reasons_for(*data: dict, intake: Intake = ALL) -> list[str]:
    return [str(reason) for reason in screened(*data, intake=intake).reasons]


def test_good_rows_of_every_kind_pass():
    good = screened(
        FACT,
        FACT | {"key": "python/3.13/latest", "value": None},
        {"prompt": "Why?", "completion": "Because.\nAnd so on."},
        {"text": "fine", "label": "good"},
        {"tokens": ["a", "b"], "tags": ["O", "O"]},
        {"text": "warm", "target": 21.5},
        {"text": "Once upon a time."},
    )
    assert good.reasons == []
    assert list(good.records) == [("a.jsonl", number) for number in range(1, 8)]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"value": 3.12}, "a.jsonl: row 1: value: must be text, got float"),
        ({"as_of": "1.4.2024"}, "a.jsonl: row 1: as_of: must be a date such as 2024-04-01"),
        ({"key": ""}, "a.jsonl: row 1: key: is empty"),
        ({"value": "3.12\x07"}, "a.jsonl: row 1: value: holds the control character U+0007 at position 5"),
        ({"value": "3.12\u202e"}, "a.jsonl: row 1: value: holds the control character U+202E at position 5"),
        ({"value": "3\n12"}, "a.jsonl: row 1: value: holds a line break or tab at position 2; expected one line"),
        ({"value": "caf\ufffd"}, "a.jsonl: row 1: value: holds U+FFFD at position 4: its encoding was damaged"),
        ({"value": "  "}, "a.jsonl: row 1: value: holds nothing but white space"),
        ({"value": "x" * 4001}, "a.jsonl: row 1: value: has 4001 characters; the knob `intake.max_chars` allows 4000"),
        ({"value": "ask jane@example.org"}, "a.jsonl: row 1: value: holds a mail address; personal data is not taken"),
        ({"owner": "jane@example.org"}, "a.jsonl: row 1: owner: holds a mail address; personal data is not taken"),
        ({"key": "jane@example.org"}, "a.jsonl: row 1: key: holds a mail address; personal data is not taken"),
        (
            {"jane@example.org": "x"},
            "a.jsonl: row 1: column: its name holds a mail address; personal data is not taken",
        ),
    ],
)
def test_a_bad_fact_is_reported_with_file_row_and_field(change, reason):
    (line,) = reasons_for(FACT | change)
    assert reason in line
    assert "jane" not in line


def test_an_unknown_column_named_by_personal_data_is_not_repeated():
    (line,) = reasons_for({"text": "x", "label": "y", "jane@example.org": "x"})
    assert line.startswith("a.jsonl: row 1: column: unknown column")


def test_texts_within_messages_are_screened():
    messages = [{"role": "user", "content": "Who?"}, {"role": "assistant", "content": "4111 1111 1111 1111"}]
    assert reasons_for({"messages": messages}) == [
        "a.jsonl: row 1: messages.1.content: holds a payment card number; personal data is not taken"
    ]


def test_chinese_rows_of_every_kind_pass():
    good = screened(
        {"key": "北京/天气", "value": "晴，二十三度", "as_of": "2024-04-01", "产品": "天气"},
        {"prompt": "首都是哪里？", "completion": "北京。"},
        {"text": "我的卡什么时候到？", "label": "到货", "domain": "银行"},
        {"tokens": list("王小明住在北京"), "tags": ["B-人名", "I-人名", "I-人名", "O", "O", "B-地名", "I-地名"]},
        {"text": "两室一厅　朝南", "target": 850},
        {"text": "明天北方有雨。"},
    )
    assert good.reasons == []
    assert len(good.records) == 6


def test_an_invalid_tag_is_reported_without_repeating_it():
    (reason,) = reasons_for({"tokens": ["Ada", "ran"], "tags": ["O", "NNP"]})
    assert reason == "a.jsonl: row 1: tagging: tag 2 must be O, or B, I, E or S and a type, as in B-PER"


def test_a_kind_that_is_not_accepted_names_the_knob():
    outcome = screened({"text": "raw"}, intake=Intake(kinds=("fact", "instruction")))
    assert str(outcome.reasons[0]) == (
        "a.jsonl: row 1: kind: text is not taken; the knob `intake.kinds` takes fact, instruction"
    )
    assert outcome.refused_kinds == {"text"}


def test_a_duplicate_row_is_set_aside_but_is_no_fault():
    outcome = screened(FACT, dict(reversed(FACT.items())), FACT | {"kind": "fact"})
    assert [str(reason) for reason in outcome.reasons] == [
        "a.jsonl: row 2: row: repeats a.jsonl row 1",
        "a.jsonl: row 3: row: repeats a.jsonl row 1",
    ]
    assert outcome.bad == 0 and list(outcome.records) == [("a.jsonl", 1)]


def test_two_values_for_one_key_and_day_are_both_set_aside():
    outcome = screened(FACT, FACT | {"value": "3.12.3"}, FACT | {"value": "3.12.4", "as_of": "2024-07-01"})
    assert [(reason.row, reason.field) for reason in outcome.reasons] == [(1, "value"), (2, "value")]
    assert list(outcome.records) == [("a.jsonl", 3)]
    undated = {"key": FACT["key"], "value": "3.12.9"}
    assert [reason.row for reason in screened(FACT, undated).reasons] == [1, 2]
    assert screened(FACT, undated | {"value": FACT["value"]}).reasons == []
    assert screened(FACT, FACT | {"source": "elsewhere"}).bad == 0


def test_a_key_with_a_long_history_is_screened_quickly():
    days = [
        f"{year}-{month:02}-{day:02}" for year in range(1980, 2020) for month in range(1, 13) for day in range(1, 28)
    ]
    begin = time.perf_counter()
    outcome = screened(*({"key": "k", "value": day, "as_of": day} for day in days))
    assert len(outcome.records) == len(days) > 12_000
    assert time.perf_counter() - begin < 10


LONG = "the quick brown fox jumps over the lazy dog and runs through the dark forest until it finds the river at last"


CHINESE = "我上周在网上申请了一张新的信用卡，但是到现在为止还没有收到任何消息，请问这张卡什么时候可以寄到我家里呢"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({"text": CHINESE}, {"text": CHINESE + "？"}, True),
        ({"text": CHINESE}, {"text": CHINESE.replace("，", ",") + "呀"}, True),
        ({"text": CHINESE}, {"text": CHINESE.replace("信用卡", "存折").replace("家里", "公司")}, False),
        ({"text": CHINESE}, {"text": CHINESE.replace("一张", "两张")}, False),
        ({"text": CHINESE + "3天"}, {"text": CHINESE + "5天"}, False),
        ({"text": CHINESE, "label": "到货"}, {"text": CHINESE + "？", "label": "补卡"}, False),
        ({"text": LONG}, {"text": LONG.upper() + "!"}, True),
        ({"text": LONG}, {"text": LONG + " evening"}, True),
        ({"text": LONG}, {"text": LONG.replace("fox", "cat").replace("river", "lake")}, False),
        ({"text": LONG + " version 3.12.2"}, {"text": LONG + " version 3.12.3"}, False),
        ({"text": LONG, "label": "a"}, {"text": LONG + "!", "label": "b"}, False),
        ({"text": LONG, "label": "a"}, {"text": LONG + "!", "label": "a"}, True),
        ({"text": LONG, "key": "a"}, {"text": LONG + "!", "key": "b"}, False),
        ({"prompt": LONG, "completion": "Yes."}, {"prompt": LONG + "?", "completion": "Yes"}, True),
        ({"key": "a", "value": LONG}, {"key": "b", "value": LONG + "!"}, False),
    ],
)
def test_near_duplicates_are_found_in_free_text_only(one, other, same):
    outcome = screened(one, other)
    assert bool(outcome.reasons) == same
    if same:
        assert str(outcome.reasons[0]) == "a.jsonl: row 2: text: is nearly the same as a.jsonl row 1"
        assert outcome.bad == 0
