import math

import pytest

from abreast.core.settings import GATES, AnswerGate, GeneralPerplexityGate, TextPerplexityGate
from abreast.gates.judge import judge
from tests.evaluation.reports import reports, results, stale, texts


def verdict_of(*parts, gates=GATES, **more):
    return judge(reports([one for part in parts for one in part], **more), gates)


def shares(scope, right, before, asked, apart=0):
    """So many answered rightly by the candidate and by the champion; `apart`: known by one alone, and by the other."""
    both, won, lost = min(right, before), max(0, right - before), max(0, before - right)
    neither = asked - both - won - lost
    return results(scope, both - apart, won + apart, lost + apart, neither)


# Measured on real updates: right and asked on what is new, what is retained of the champion's, the share
# repeated that was superseded, perplexity ratio, verdict.
SEEN = [
    ((60, 61), None, (0, 0), 1.03, "pass"),
    ((19, 19), (44, 44, 44), (0, 13), 1.04, "pass"),
    ((11, 15), (51, 63, 63), (0, 10), 1.03, "fail"),
    ((16, 16), (51, 51, 51), (0, 19), 1.04, "pass"),
    ((15, 16), (49, 49, 49), (0, 20), 1.04, "pass"),
    ((19, 20), (48, 48, 48), (1, 24), 1.04, "pass"),
    ((18, 19), (43, 43, 44), (0, 13), 1.03, "pass"),
    ((16, 16), (48, 47, 49), (0, 19), 1.03, "pass"),
    ((21, 30), (39, 61, 63), (0, 10), 1.04, "fail"),
    ((9, 15), (53, 61, 63), (0, 10), 1.04, "fail"),
    ((10, 17), (63, 61, 63), (0, 10), 1.04, "fail"),
    ((191, 200), None, (0, 0), 1.13, "pass"),
    ((87, 88), (120, 113, 120), (0, 40), 1.13, "pass"),
    ((74, 74), (119, 119, 120), (0, 46), 1.129, "pass"),
    ((74, 74), (119, 119, 120), (0, 46), 1.16, "fail"),
    ((64, 74), (101, 119, 120), (0, 46), 1.15, "fail"),
]


@pytest.mark.parametrize(("current", "retained", "repeated", "ratio", "verdict"), SEEN)
def test_what_real_updates_showed_is_judged_as_it_was(current, retained, repeated, ratio, verdict):
    right, asked = current
    new = results("current", 0, right, 0, asked - right, champion=retained is not None)
    old = [*shares("retained", *retained)] if retained else []
    superseded = [one.model_copy(update={"scope": "current"}) for one in stale(repeated[1], repeated[0])]
    gates = [gate for gate in GATES if gate.name != "gain"] if retained is None else GATES
    found = verdict_of(new, old, ratio=ratio, champion=retained is not None, gates=gates)
    assert found.verdict == verdict, found.reasons
    assert verdict_of(superseded, gates=[gate for gate in GATES if gate.measure == "stale"]).verdict == "pass"


def test_a_good_candidate_passes_and_every_gate_says_why():
    found = verdict_of(shares("current", 47, 6, 50), shares("retained", 100, 100, 100), stale(40, 1, "retained"))
    assert found.verdict == "pass"
    assert found.reasons == (
        "current_exact_match: measured 0.94, needed at least 0.9, champion 0.12, share 0.852 to 0.983, n 50",
        "gain: measured 0.94, needed at least 0.12, champion 0.12, difference 0.706 to 0.903, n 50, p 4.5e-13",
        "retained_exact_match: measured 1, needed at least 0.97, champion 1, difference -0.021 to 0.021, n 140, "
        "p 0.019",
        "retention: measured 1, needed at least 0.9, champion 1, difference -0.021 to 0.021, n 140, p 4.3e-05",
        "stale_rate: measured 0.025, needed at most 0.05, champion 0.025, share 0.00128 to 0.113, n 40",
        "general_perplexity_ratio: measured 1, needed at most 1.15, champion 1",
        "questions on this drop: measured 50, needed at least 5, champion none",
    )


def test_the_first_model_has_no_champion_and_is_judged_by_itself():
    found = verdict_of(results("current", 57, neither=3, champion=False), champion=False)
    assert found.verdict == "pass"
    names = ["current_exact_match", "general_perplexity_ratio", "questions on this drop"]
    assert [gate.name for gate in found.gates] == names
    assert "current_exact_match: measured 0.95, needed at least 0.9, champion none" in found.reasons[0]


NEW, OLD = shares("current", 60, 0, 60), shares("retained", 60, 60, 60)


@pytest.mark.parametrize(
    ("parts", "more", "gate"),
    [
        ((shares("current", 53, 0, 60), OLD), {}, "current_exact_match"),
        ((shares("current", 54, 60, 60), OLD), {}, "gain"),
        ((NEW, shares("retained", 90, 100, 100)), {}, "retained_exact_match"),
        ((NEW, OLD, stale(20, 2)), {}, "stale_rate"),
        ((NEW, OLD), {"ratio": 1.151}, "general_perplexity_ratio"),
    ],
)
def test_each_gate_alone_fails_and_stands_first(parts, more, gate):
    found = verdict_of(*parts, **more)
    assert found.verdict == "fail"
    assert found.reasons[0].startswith(f"{gate}: measured ")
    assert [result.name for result in found.gates if result.asks == "fail"] == [gate]


def test_what_the_questions_cannot_decide_is_inconclusive():
    """Nothing lost of 20 can be chance, even if one in ten answers were lost."""
    found = verdict_of(NEW, shares("retained", 20, 20, 20))
    assert found.verdict == "inconclusive"
    assert found.reasons[0].startswith("retention: measured 1, needed at least 0.9, champion 1, difference -0.13")
    assert found.reasons[0].endswith("undecided: that takes 29 questions or more")
    assert verdict_of(NEW, shares("retained", 29, 29, 29)).verdict == "pass"


def test_no_gain_is_left_to_a_person():
    found = verdict_of(shares("current", 60, 60, 60), OLD)
    assert found.verdict == "inconclusive"
    assert found.reasons[0].startswith("gain: measured 1, needed at least 1, champion 1")


def test_a_measured_loss_that_may_be_chance_goes_to_review_and_a_shown_one_fails():
    small = verdict_of(NEW, shares("retained", 115, 120, 120))
    assert [gate.name for gate in small.gates if gate.asks] == ["retained_exact_match"]
    assert small.verdict == "inconclusive"
    assert verdict_of(NEW, shares("retained", 108, 120, 120)).verdict == "fail"
    assert verdict_of(NEW, shares("retained", 117, 120, 120)).verdict == "pass"


def test_a_domain_that_is_lost_fails_though_the_whole_is_kept():
    kept = [results("retained", 40, domain=name) for name in ("billing", "cards", "travel")]
    lost = results("retained", 2, won=0, lost=7, domain="loans")
    won = results("retained", 30, won=8, domain="limits")
    found = verdict_of(NEW, *kept, lost, won)
    assert found.verdict == "fail"
    assert found.reasons[0].startswith("retention by domain [loans]: measured 0.222, needed at least 0.9, champion 1")
    assert [gate.name for gate in found.gates if gate.asks] == ["retention by domain [loans]"]
    few = verdict_of(NEW, *kept, results("retained", 1, lost=1, domain="loans"))
    assert few.verdict == "pass", "two questions show nothing, and a slice is not asked for proof"


def test_few_questions_decide_nothing_but_a_loss_still_fails():
    few = verdict_of(shares("current", 0, 4, 4), OLD)
    assert few.verdict == "inconclusive"
    assert few.reasons[0] == "questions on this drop: measured 4, needed at least 5, champion none, undecided"
    assert verdict_of(shares("current", 0, 4, 4), shares("retained", 30, 60, 60)).verdict == "fail"
    assert verdict_of(OLD).verdict == "inconclusive"


def test_what_missing_a_gate_does_is_the_gates_own_word():
    bar = {"name": "bar", "measure": "accuracy", "scope": "current", "at_least": 0.9}
    parts = shares("current", 50, 0, 60)
    found = {does: verdict_of(parts, gates=[AnswerGate(**bar, on_fail=does)]) for does in ("block", "review", "warn")}
    assert {does: one.verdict for does, one in found.items()} == {
        "block": "fail",
        "review": "inconclusive",
        "warn": "pass",
    }
    assert found["review"].reasons[0].endswith("n 60, to be reviewed")
    assert found["warn"].reasons[0].endswith("n 60, a warning")


def test_a_gate_may_be_on_one_slice_or_against_the_base():
    gate = {"measure": "accuracy", "scope": "retained", "slice_by": "domain", "only_slice": "loans", "at_least": 0.8}
    parts = [
        results("retained", 9, neither=1, domain="loans"),
        results("retained", 1, neither=9, domain="cards"),
    ]
    (result,) = verdict_of(*parts, gates=[AnswerGate(name="loans", **gate)]).gates
    assert (result.name, result.measured, result.passed) == ("loans", 0.9, True)
    above = AnswerGate(
        name="worth it", measure="accuracy", scope="known", compare_to="base", at_least=0.5, confidence=0.95
    )
    (result,) = verdict_of(*parts, gates=[above]).gates
    assert (result.outcome, result.needed, result.champion) == ("undecided", 0.5, None)


def test_many_questions_on_one_key_are_no_more_evidence_than_one():
    parts = [results("retained", 20, each=10)]
    assert verdict_of(NEW, *parts).verdict == verdict_of(NEW, results("retained", 20)).verdict == "inconclusive"


RAW = [-2.0 - 0.01 * number for number in range(20)]


def pieces(scope, factor, champion=True, count=20):
    """The candidate's perplexity is about `factor` times what it was before."""
    means = [mean - math.log(factor) + 0.001 * (number % 3) for number, mean in enumerate(RAW)]
    return texts(scope, means[:count], RAW[:count] if champion else None, RAW[:count])


def test_raw_text_alone_is_judged_by_how_well_it_is_foreseen():
    good = [*pieces("current", 0.8), *pieces("retained", 1.02)]
    passed = verdict_of(pieces=good)
    assert passed.verdict == "pass"
    assert passed.reasons[0].startswith("general")
    assert passed.reasons[1].startswith(
        "current_text_perplexity: measured 6.49, needed at most 8.13, champion 8.13, ratio 0.799 to 0.8, n 20"
    )
    assert verdict_of(pieces=[*pieces("current", 1.1), *good[20:]]).reasons[0].startswith("current_text_perplexity")
    assert verdict_of(pieces=[*good[:20], *pieces("retained", 1.04)]).reasons[0].startswith("retained_text_perplexity")


def test_before_there_is_a_champion_raw_text_is_compared_with_the_base():
    found = verdict_of(pieces=pieces("current", 0.8, champion=False), champion=False)
    assert found.verdict == "pass"
    assert any(
        reason.startswith("current_text_perplexity: measured 6.49, needed at most 8.13, champion none")
        for reason in found.reasons
    )


def test_few_pieces_decide_nothing_by_themselves():
    assert verdict_of(pieces=pieces("current", 0.8, count=4)).verdict == "inconclusive"
    assert verdict_of(NEW, OLD, pieces=pieces("current", 9.0, count=4)).verdict == "pass"
    assert verdict_of(NEW, OLD, pieces=pieces("retained", 9.0)).verdict == "fail"


def with_examples(share):
    """The base with examples answers the first `share` of 60 questions rightly, and forgets nothing."""
    new = [
        one.model_copy(update={"correct": one.correct | {"in_context": n < 60 * share}}) for n, one in enumerate(NEW)
    ]
    old = [one.model_copy(update={"correct": one.correct | {"in_context": True}}) for one in OLD]
    return [*new, *old]


def test_examples_that_reach_the_gates_are_a_note_and_no_gate():
    answers = with_examples(0.95)
    noted = judge(reports(answers, ratio=9.9, examples=4, current_exact_match=0.95), GATES)
    assert noted.note == (
        "training is not needed: the untrained base passes every gate with 4 examples before each question "
        "(95.0% right on what these drops brought)"
    )
    without = judge(reports(answers, ratio=9.9), GATES)
    assert noted == without.model_copy(update={"note": noted.note})
    assert (without.note, without.verdict) == ("", "fail")
    assert judge(reports(with_examples(0.8), examples=4, current_exact_match=0.8), GATES).note == ""


def test_raw_text_has_to_be_learned():
    answers, text = with_examples(0.95), pieces("current", 0.8)
    assert judge(reports(answers, text, examples=4, current_exact_match=0.95), GATES).note == ""


def test_a_perplexity_may_be_held_to_a_figure_or_to_the_base():
    bars = [
        GeneralPerplexityGate(name="language", measure="general_perplexity", scope="general", at_most=21.0),
        GeneralPerplexityGate(
            name="drift", measure="general_perplexity", scope="general", compare_to="champion", at_most=1.0
        ),
        TextPerplexityGate(name="text", measure="text_perplexity", scope="retained", at_most=8.0),
        TextPerplexityGate(name="gained", measure="text_perplexity", scope="retained", compare_to="base", at_most=0.9),
    ]
    found = verdict_of(pieces=pieces("retained", 1.02), gates=bars, ratio=1.02)
    shown = {gate.name: (round(gate.measured, 2), round(gate.needed, 2), gate.outcome) for gate in found.gates}
    assert shown == {
        "language": (20.4, 21.0, "passed"),
        "drift": (1.02, 1.0, "failed"),
        "text": (8.28, 8.0, "failed"),
        "gained": (8.28, 7.31, "failed"),
    }
    assert verdict_of(gates=[bars[1]], champion=False).gates == ()
