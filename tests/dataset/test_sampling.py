import pandas as pd

from abreast.dataset.sampling import fixed_sample, rotating_sample, stable_hash


def _rows(count: int, drops: int = 4) -> pd.DataFrame:
    numbers = range(count)
    return pd.DataFrame(
        {
            "id": [f"i{n}" for n in numbers],
            "key": [f"k{n}" for n in numbers],
            "drop": [f"d{n % drops}" for n in numbers],
        }
    )


def test_hash_is_the_same_everywhere():
    assert stable_hash("python/3.12/latest", "17 test") == 4764480141335949827


def test_fixed_sample_is_kept_when_rows_come_and_go():
    rows = _rows(200)
    drawn = set(fixed_sample(rows, 50, "s")["key"])
    assert len(drawn) == 50
    fewer = rows[rows["key"] != sorted(drawn)[0]]
    assert drawn - {sorted(drawn)[0]} <= set(fixed_sample(fewer, 50, "s")["key"])
    assert set(fixed_sample(rows.sample(frac=1, random_state=1), 50, "s")["key"]) == drawn
    assert set(fixed_sample(rows, 50, "other")["key"]) != drawn


def test_every_row_gets_its_turn():
    rows = _rows(500)
    seen: dict[str, int] = {}
    for turn in range(1, 40):
        for key in rotating_sample(rows, 50, turn, "s")["key"]:
            seen.setdefault(key, turn)
    assert len(seen) == 500
    assert max(seen.values()) <= 22


def test_each_turn_holds_each_drop_by_its_share():
    for turn in range(1, 10):
        shares = rotating_sample(_rows(400), 40, turn, "s")["drop"].value_counts()
        assert shares.min() >= 8
        assert len(shares) == 4


def test_all_rows_are_taken_where_there_are_few():
    assert len(rotating_sample(_rows(5), 24, 3, "s")) == 5
    assert len(rotating_sample(_rows(0), 24, 3, "s")) == 0
    assert len(fixed_sample(_rows(0), 24, "s")) == 0
