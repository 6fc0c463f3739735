import pytest

from benchmarks.learn_stream import learn
from benchmarks.lifecycle import samples_with_harm
from benchmarks.stream_data import DATA, StreamSize, read_stream


def test_the_harmful_drop_comes_third_in_the_sample_stream():
    assert [name for name, _ in samples_with_harm()][1:4] == ["02-2024-q3", "bad-harmful", "03-2024-q4"]


@pytest.mark.slow
def test_two_quarters_of_real_facts_are_learned(tmp_path):
    """A first drop and a delta of the real data, a few products, through the very stages with the packaged model."""
    (tmp_path / "project").mkdir()
    drops = read_stream("lifecycle", DATA, StreamSize(drops=2, products=6))
    first, second = learn(drops, tmp_path / "project", {})
    assert (first.verdict, second.verdict) == ("pass", "pass")
    for one in (first, second):
        assert one.metrics["candidate"]["current_exact_match"] >= 0.9
        assert one.metrics["base"]["current_exact_match"] <= 0.2
    assert second.metrics["candidate"]["stale_rate"] in (None, pytest.approx(0.0, abs=0.05))
    assert set(second.by_drop) == {name for name, _ in drops}
