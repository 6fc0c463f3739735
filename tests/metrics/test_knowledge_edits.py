from abreast.metrics.knowledge_edits import EditScores, Probe, edit_scores


def probe(about, before, after, expected="3.13", stale=("3.12",)):
    return Probe(about=about, before=before, after=after, expected=expected, stale=stale)


def test_by_hand():
    probes = [
        probe("taught", "3.12", "3.13."),
        probe("taught", "3.12", "3.13"),
        probe("rephrased", "3.12", "3.12"),
        probe("rephrased", "3.11", "3.13"),
        probe("untouched", "Oslo", "oslo", "Oslo", ()),
        probe("untouched", "wrong", "Wrong", "Oslo", ()),
        probe("untouched", "wrong", "Oslo", "Oslo", ()),
    ]
    assert edit_scores(probes) == EditScores(update_success=1.0, generalisation=0.5, locality=2 / 3, stale_rate=1 / 4)


def test_a_stale_answer_counts_on_untouched_keys_too():
    assert edit_scores([probe("untouched", "3.13", "3.12")]) == EditScores(
        update_success=None, generalisation=None, locality=0.0, stale_rate=1.0
    )


def test_nothing_asked_is_not_zero():
    assert set(edit_scores([]).model_dump().values()) == {None}
