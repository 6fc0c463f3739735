import pytest

from abreast.config import Gates
from abreast.evaluation.judge import judge

GATES = Gates()


def figures(current=1.0, retained=1.0, stale=0.0, perplexity=20.0):
    return {
        "current_exact_match": current,
        "retained_exact_match": retained,
        "known_exact_match": current,
        "stale_rate": stale,
        "general_perplexity": perplexity,
    }


def metrics(candidate, champion=None, current=20):
    return {
        "candidate": candidate,
        "champion": champion,
        "base": figures(0.0, 0.0, 0.0, 20.0),
        "counts": {"current": current, "retained": 40, "superseded": 10},
    }


def test_a_good_candidate_passes_and_every_gate_says_why():
    verdict = judge(metrics(figures(0.94), figures(0.12)), GATES)
    assert verdict.verdict == "pass"
    assert "current_exact_match: measured 0.94, needed at least 0.9, champion 0.12" in verdict.reasons
    assert len(verdict.reasons) == 5


def test_the_first_model_has_no_champion():
    verdict = judge(metrics(figures(0.95, retained=None, stale=None)), GATES)
    assert verdict.verdict == "pass"
    assert "current_exact_match: measured 0.95, needed at least 0.9, champion none" in verdict.reasons


@pytest.mark.parametrize(
    ("candidate", "champion", "gate"),
    [
        (figures(0.89), figures(0.1), "current_exact_match"),
        (figures(0.95), figures(0.97), "current_exact_match"),
        (figures(retained=0.96), figures(0.1), "retained_exact_match"),
        (figures(stale=0.06), figures(0.1), "stale_rate"),
        (figures(perplexity=23.1), figures(0.1), "general_perplexity_ratio"),
    ],
)
def test_each_gate_alone_fails_and_stands_first(candidate, champion, gate):
    verdict = judge(metrics(candidate, champion), GATES)
    assert verdict.verdict == "fail"
    assert verdict.reasons[0].startswith(f"{gate}: measured ")
    assert [result.name for result in verdict.gates if not result.passed] == [gate]


@pytest.mark.parametrize(
    "candidate", [figures(0.9), figures(retained=0.97), figures(stale=0.05), figures(perplexity=23.0)]
)
def test_exactly_what_is_needed_is_enough(candidate):
    assert judge(metrics(candidate, figures(0.1)), GATES).verdict == "pass"


def test_few_questions_decide_nothing_but_a_loss_still_fails():
    few = judge(metrics(figures(0.0), figures(1.0), current=4), GATES)
    assert few.verdict == "inconclusive"
    assert few.reasons[0] == "questions on this drop: measured 4, needed at least 5, champion none"
    assert judge(metrics(figures(retained=0.5), figures(1.0), current=4), GATES).verdict == "fail"
    assert judge(metrics(figures(None), figures(None), current=0), GATES).verdict == "inconclusive"


def texts(candidate, before, current=20, retained=40, champion=True):
    """Figures by kind of raw text: perplexity on new and on earlier text."""
    measured = {
        who: {"current": {"perplexity": new}, "retained": {"perplexity": old}, "known": {"perplexity": new}}
        for who, (new, old) in (("candidate", candidate), ("champion", before), ("base", before))
    }
    counts = {"current": current, "retained": retained, "known": current + retained}
    return {"by_kind": {"text": {"counts": counts} | measured | ({} if champion else {"champion": None})}}


def judged(by_kind, current=0):
    figure = figures(None if not current else 1.0, None, None)
    return judge(metrics(figure, figure, current) | by_kind, GATES)


def test_raw_text_alone_is_judged_by_how_well_it_is_foreseen():
    passed = judged(texts((9.0, 10.2), (12.0, 10.0)))
    assert passed.verdict == "pass"
    assert "current_text_perplexity: measured 9, needed at most 12, champion 12" in passed.reasons
    assert "retained_text_perplexity: measured 10.2, needed at most 10.3, champion 10" in passed.reasons
    assert judged(texts((12.1, 10.0), (12.0, 10.0))).reasons[0].startswith("current_text_perplexity")
    assert judged(texts((9.0, 10.4), (12.0, 10.0))).reasons[0].startswith("retained_text_perplexity")


def test_before_there_is_a_champion_raw_text_is_compared_with_the_base():
    verdict = judged(texts((9.0, 10.0), (12.0, 10.0), retained=0, champion=False))
    assert verdict.verdict == "pass"
    assert "current_text_perplexity: measured 9, needed at most 12, champion none" in verdict.reasons


def test_few_pieces_decide_nothing_by_themselves():
    assert judged(texts((9.0, 9.0), (12.0, 10.0), current=4)).verdict == "inconclusive"
    assert judged(texts((99.0, 9.0), (12.0, 10.0), current=4), current=20).verdict == "pass"
    assert judged(texts((9.0, 99.0), (12.0, 10.0), current=4), current=20).verdict == "fail"


def shown(of, **by_kind):
    return {"in_context": of | {"examples": 4}} | ({"by_kind": by_kind} if by_kind else {})


def test_examples_that_reach_the_gates_are_a_note_and_no_gate():
    poor, champion = figures(0.5), figures(0.1)
    verdict = judge(metrics(poor, champion) | shown(figures(0.95)), GATES)
    assert verdict.note == (
        "training is not needed: the untrained base passes every gate with 4 examples before each question "
        "(95.0% right on what these drops brought)"
    )
    without = judge(metrics(poor, champion), GATES)
    assert verdict == without.model_copy(update={"note": verdict.note})
    assert without.note == ""


@pytest.mark.parametrize(
    ("of", "champion"),
    [
        (figures(0.89), figures(0.1)),
        (figures(0.95), figures(0.96)),
        (figures(0.95, retained=0.5), figures(0.1)),
        (figures(0.95, stale=0.5), figures(0.1)),
    ],
)
def test_examples_that_miss_any_gate_are_not_worth_a_word(of, champion):
    assert judge(metrics(figures(), champion) | shown(of), GATES).note == ""


def test_raw_text_has_to_be_learned():
    text = texts((9.0, 9.0), (12.0, 10.0))["by_kind"]["text"]
    text["in_context"] = text["base"]
    assert judge(metrics(figures(), figures(0.1)) | shown(figures(), text=text), GATES).note == ""
    text["counts"]["current"] = 0
    assert judge(metrics(figures(), figures(0.1)) | shown(figures(), text=text), GATES).note
