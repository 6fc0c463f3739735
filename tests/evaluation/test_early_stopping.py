import pytest

from abreast.core.settings import GATES, EarlyStopping
from abreast.evaluation.early_stopping import ask_until_settled
from abreast.gates.judge import judge
from abreast.reports.reports import Reports
from tests.evaluation.reports import reports, results, stale, texts

WHO = ("base", "champion", "candidate")
ALL = EarlyStopping(verdicts=("fail", "inconclusive", "pass"))


def replay(held: Reports, knobs: EarlyStopping = ALL, gates=GATES, batch: int = 8):
    """What was asked, block by block, and the verdict on that."""
    blocks = []

    def ask(answers, pieces):
        blocks.append((answers, pieces))
        chosen = {"answers": tuple(held.answers[n] for n in answers), "texts": tuple(held.texts[n] for n in pieces)}
        return held.model_copy(update=chosen)

    asked = ask_until_settled(held, gates, WHO, knobs, batch, ask)
    some = ask(asked.answers, asked.texts).model_copy(update={"stopped": asked.stopped})
    return asked, judge(some, gates), blocks[1:-1]


GOOD = reports([*results("current", won=97, neither=3), *results("retained", both=150)])
UNLEARNED = reports([*results("current", won=40, neither=60), *results("retained", both=150)])
FORGOT = reports([*results("current", won=100), *results("retained", both=100, lost=50)])
BROKEN = reports([*results("current", won=100), *results("retained", both=150)], ratio=2.0)


@pytest.mark.parametrize(
    ("held", "verdict", "most"),
    [(GOOD, "pass", 0.9), (UNLEARNED, "fail", 0.2), (FORGOT, "fail", 0.5), (BROKEN, "fail", 0)],
)
def test_a_clear_case_has_the_verdict_of_all_questions_for_fewer(held, verdict, most):
    asked, early, _ = replay(held)
    assert early.verdict == judge(held, GATES).verdict == verdict
    assert asked.stopped.verdict == verdict
    assert asked.stopped.asked == len(asked.answers) <= most * asked.stopped.planned
    assert asked.stopped.planned == 250
    assert early.note.startswith(f"stopped after {len(asked.answers)} of 250 questions: {verdict} is settled, with an")


def test_the_failed_gate_comes_first_and_unsettled_gates_are_named():
    asked, early, _ = replay(UNLEARNED)
    assert early.reasons[0].startswith("current_exact_match: measured 0.")
    assert f"n {len(asked.answers)} of 100" in early.reasons[0]
    assert asked.stopped.open == ("gain", "retained_exact_match", "retention")
    assert early.note.endswith("not asked to the end: gain, retained_exact_match, retention")
    assert not {*asked.stopped.open} & {gate.name for gate in early.gates}


def test_where_only_a_fail_stops_all_others_are_asked_everything_and_judged_as_ever():
    for held, stops in ((GOOD, False), (FORGOT, True)):
        asked, early, _ = replay(held, EarlyStopping())
        assert (asked.stopped is not None) == stops
        assert (early == judge(held, GATES)) == (not stops)
        assert asked.answers == sorted(asked.answers)


def test_a_case_that_is_not_settled_is_asked_everything():
    close = reports([*results("current", won=90, neither=10), *results("retained", both=30)])
    asked, early, _ = replay(close)
    assert (len(asked.answers), asked.stopped) == (130, None)
    assert early == judge(close, GATES)


def test_blocks_have_whole_keys_in_random_order_and_new_ones_come_first():
    held = reports([*results("current", won=20, each=3), *results("retained", both=40)])
    _, _, blocks = replay(held)
    assert [len(answers) for answers, _ in blocks[:2]] == [6, 6], "two keys of three questions in a block of eight"
    first = blocks[0][0]
    assert {held.answers[n].scope for n in first} == {"current"}
    assert len({held.answers[n].key for n in first}) == 2
    orders = [[n for answers, _ in replay(held, EarlyStopping(seed=seed))[2] for n in answers] for seed in (17, 17, 18)]
    assert orders[0] == orders[1] != orders[2]
    assert orders[0] != sorted(orders[0])


def test_where_one_gate_is_left_only_its_own_questions_are_asked_and_always_the_next_ones():
    """Of 400 old questions 60 hold a superseded value; the gate on these is open for longer."""
    names = ("retention", "stale_rate", "retained_exact_match")
    loses, superseded, bar = (next(gate for gate in GATES if gate.name == name) for name in names)
    held = reports(
        [*results("retained", lost=12), *results("retained", both=328, domain="b"), *stale(60, 1, "retained")]
    )
    in_order = [n for answers, _ in replay(held, gates=[bar])[2] for n in answers]
    assert len(in_order) > 390, "12 of 400 lost is the bar itself"
    asked, early, blocks = replay(held, gates=[loses, superseded])
    assert early.verdict == judge(held, [loses, superseded]).verdict == "pass"
    drawn = [n for answers, _ in blocks for n in answers]
    alone = next(n for n in range(len(drawn)) if drawn[n] != in_order[n])
    assert alone > 8, "together, until the first gate is settled"
    later = [n for n in in_order[alone:] if held.answers[n].outdated]
    assert drawn[alone:] == later[: len(drawn) - alone]
    assert {one.name: one.n for one in asked.stopped.results}["retention"] == alone, (
        "its share is of what was drawn for it"
    )


@pytest.mark.timeout(60)
def test_a_slice_that_its_own_questions_leave_open_is_settled_by_the_rest():
    """A key that is half lost lies between two whole counts, and these have two verdicts; all questions have one."""
    named = {"at_least": -0.2, "confidence": 0.7, "on_undecided": "review"}
    gate = next(gate for gate in GATES if gate.name == "retention by domain").model_copy(update=named)
    half = [one.model_copy(update={"key": "half"}) for one in results("retained", both=1, lost=1, domain="a")]
    whole, other = (results("retained", both=number, domain=name, each=2) for number, name in ((7, "a"), (40, "b")))
    held = reports([*half, *whole, *other])
    asked, early, _ = replay(held, gates=[gate])
    assert early.verdict == judge(held, [gate]).verdict
    assert (len(asked.answers), asked.stopped) == (96, None)


def test_the_order_is_another_one_for_other_questions():
    keys = []
    for more in (0, 1):
        held = reports(results("current", won=30 + more))
        _, _, blocks = replay(held)
        keys.append([held.answers[n].key for n in blocks[0][0]])
    assert keys[0] != keys[1]


def test_raw_text_is_read_after_the_questions_of_its_scope():
    pieces = [
        *texts("current", [-3.0] * 6, [-2.0] * 6, [-3.0] * 6),
        *texts("retained", [-2.0] * 4, [-2.0] * 4, [-3.0] * 4),
    ]
    held = reports([*results("current", won=60), *results("retained", both=60)], pieces)
    asked, early, blocks = replay(held)
    assert early.verdict == judge(held, GATES).verdict == "fail"
    assert (asked.texts, sorted(blocks[-1][1])) == ([0, 1, 2, 3, 4, 5],) * 2
    assert {held.answers[n].scope for n in asked.answers} == {"current"}


def test_other_gates_than_those_that_stopped_it_leave_it_to_a_person():
    asked, _, _ = replay(FORGOT)
    held = reports([FORGOT.answers[n] for n in asked.answers]).model_copy(update={"stopped": asked.stopped})
    wider = [gate.model_copy(update={"at_least": -0.5}) if gate.name == "retention" else gate for gate in GATES]
    found = judge(held, wider)
    assert found.verdict == "inconclusive"
    assert found.reasons == (
        "the gates that the evaluation stopped by: measured 0, needed at least 1, champion none, undecided",
    )
