import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score

from abreast.core.errors import AbreastError
from abreast.metrics.labels import accuracy, macro_f1

pairs = st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from("abcd")), min_size=1, max_size=20)


def test_macro_f1_of_scikit_learns_documentation():
    assert macro_f1(list("012012"), list("021001")) == pytest.approx(0.26666, abs=1e-4)


def test_a_rare_label_counts_as_much_as_a_frequent_one():
    expected, given_labels = ["a"] * 9 + ["b"], ["a"] * 10
    assert accuracy(expected, given_labels) == 0.9
    assert macro_f1(expected, given_labels) == pytest.approx((18 / 19 + 0) / 2)


def test_a_label_that_was_never_expected_costs():
    assert macro_f1(["a", "a"], ["a", "z"]) == pytest.approx((2 / 3 + 0) / 2)


@given(pairs)
@settings(max_examples=50, deadline=None)
def test_as_counted_by_the_definition(labels):
    expected, chosen = [wanted for wanted, _ in labels], [label for _, label in labels]
    assert accuracy(expected, chosen) == pytest.approx(accuracy_score(expected, chosen))
    scores = []
    for label in {*expected, *chosen}:
        right = labels.count((label, label))
        scores.append(2 * right / (expected.count(label) + chosen.count(label)))
    assert macro_f1(expected, chosen) == pytest.approx(sum(scores) / len(scores))


def test_nothing_asked_is_not_zero():
    assert accuracy([], []) is None
    assert macro_f1([], []) is None


@pytest.mark.parametrize("measure", [accuracy, macro_f1])
def test_labels_must_pair_with_texts(measure):
    with pytest.raises(AbreastError, match="one to each"):
        measure(["a"], [])
