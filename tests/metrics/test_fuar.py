import pytest

from abreast.metrics.fuar import Earlier, fuar


@pytest.mark.parametrize(
    ("invariant", "updated", "acquired", "published"),
    [
        (12.89, 10.17, 3.77, 1.08),
        (13.20, 12.55, 4.02, 0.84),
        (13.92, 6.49, 2.89, 1.74),
        (16.58, 12.77, 4.52, 0.55),
        (19.59, 12.34, 5.03, 0.33),
        (20.29, 12.66, 4.65, 0.28),
    ],
    ids=["vanilla", "RecAdam", "Mix-Review", "LoRA", "K-Adapters", "modular"],
)
def test_the_table_of_the_paper(invariant, updated, acquired, published):
    """Jang et al. 2022, the main results: T5 before (24.17, 1.62, 1.88 on the three sets) and after each method."""
    before = Earlier(kept_then=24.17, kept_now=invariant, updated_then=1.62, acquired_then=1.88)
    assert round(fuar([before], updated, acquired), 2) == published


def test_sums_over_earlier_drops_come_before_the_ratio():
    """Forgotten 0.1 + 0.3; gained (0.6 + 0.5) + (0.4 + 0.5)."""
    earlier = [
        Earlier(kept_then=0.9, kept_now=0.8, updated_then=0.1, acquired_then=0.0),
        Earlier(kept_then=0.9, kept_now=0.6, updated_then=0.3, acquired_then=0.0),
    ]
    assert fuar(earlier, 0.7, 0.5) == pytest.approx(0.4 / 2.0)


def test_what_became_better_does_not_make_up_for_what_was_lost():
    earlier = [
        Earlier(kept_then=0.5, kept_now=0.9, updated_then=0.9, acquired_then=0.0),
        Earlier(kept_then=0.5, kept_now=0.4, updated_then=0.9, acquired_then=0.0),
    ]
    assert fuar(earlier, 0.1, 0.1) == pytest.approx(0.1 / 0.2)


def test_a_drop_may_change_nothing_or_bring_nothing_new():
    earlier = [Earlier(kept_then=0.5, kept_now=0.4, updated_then=None, acquired_then=0.0)]
    assert fuar(earlier, None, 0.5) == pytest.approx(0.2)


def test_nothing_forgotten_is_zero_and_nothing_gained_no_figure():
    kept = Earlier(kept_then=0.5, kept_now=0.5, updated_then=0.0, acquired_then=0.0)
    lost = Earlier(kept_then=0.5, kept_now=0.0, updated_then=0.5, acquired_then=0.5)
    assert fuar([kept], 1.0, 1.0) == 0
    assert fuar([lost], 0.5, 0.1) is None
    assert fuar([], 1.0, 1.0) is None
