import pytest

from benchmarks.lifecycle import DATA, lifecycle
from benchmarks.stream import learn


@pytest.mark.slow
def test_two_quarters_of_real_facts_are_learned(tmp_path, monkeypatch):
    """A first drop and a delta of the real data, a few products, through the very stages with the packaged model."""
    monkeypatch.setenv("ABREAST_HOME", str(tmp_path / "home"))
    (tmp_path / "project").mkdir()
    drops = lifecycle(DATA, products=6, drops=2)
    first, second = learn(drops, tmp_path / "project", {})
    assert (first.verdict, second.verdict) == ("pass", "pass")
    for one in (first, second):
        assert one.metrics["candidate"]["current_exact_match"] >= 0.9
        assert one.metrics["base"]["current_exact_match"] <= 0.2
    assert second.metrics["candidate"]["stale_rate"] in (None, pytest.approx(0.0, abs=0.05))
    assert set(second.by_drop) == {name for name, _ in drops}
