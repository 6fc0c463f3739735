from hypothesis import given
from hypothesis import strategies as st

from abreast.learning.trainer.batches import make_batches
from abreast.learning.trainer.leitner_schedule import LeitnerSchedule


@given(st.dictionaries(st.integers(0, 200), st.integers(1, 90)), st.integers(1, 200), st.text(max_size=3))
def test_each_text_once_in_batches_of_bounded_size(lengths, tokens, seed):
    batches = make_batches(lengths, tokens, seed)
    assert sorted(text for batch in batches for text in batch) == sorted(lengths)
    assert all(len(batch) == 1 or len(batch) * max(lengths[t] for t in batch) <= tokens for batch in batches)
    assert batches == make_batches(lengths, tokens, seed)


def test_another_seed_gives_another_order():
    lengths = dict.fromkeys(range(30), 10)
    assert make_batches(lengths, 40, "a") != make_batches(lengths, 40, "b")


def test_confident_answers_rest_longer_each_time_and_a_wrong_answer_resets_them():
    schedule = LeitnerSchedule.fresh([0, 0])
    shown = []
    for epoch in range(10):
        due = schedule.due_in(epoch)
        shown.append(due)
        schedule.record(due, [text == 0 for text in due], epoch)
    assert [epoch for epoch, due in enumerate(shown) if 0 in due] == [0, 2, 5]
    assert all(1 in due for due in shown)
    schedule.record([0], [False], 10)
    assert 0 in schedule.due_in(11)
