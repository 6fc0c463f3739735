import json
from dataclasses import asdict

import pytest

from abreast.core.errors import AbreastError
from benchmarks.base_family import is_encoder_base
from benchmarks.retention import Settings, choose_methods, compare_methods, learn_with, measure_once, runs_to_measure
from benchmarks.retention_methods import RETENTION_METHODS, RetentionMethod
from benchmarks.retention_summary import summarize, summary_table
from benchmarks.stream_data import StreamSize
from tests.benchmarks.made_up_measurements import is_picture, measured
from tests.learning.tiny import write_tiny_base
from tests.learning.tiny_encoder import write_tiny_encoder

SETTINGS = Settings("samples", StreamSize(drops=2), None, 1000)


def keep(folder, name: str, seed: int, after: float) -> None:
    """Figures of a way as a run leaves them; `after` is what is known of the first drop at the end."""
    done = [measured({"a": (0.0, 0.9)}), measured({"a": (0.0, after), "b": (0.0, 1.0)}, 2)]
    content = {"settings": asdict(SETTINGS), "updates": [vars(one) for one in done]}
    (folder / f"{name}-{seed}.json").write_text(json.dumps(content))


def test_what_was_measured_is_not_run_again_and_seeds_become_one_row(tmp_path, capsys):
    for seed, after in ((17, 0.8), (18, 0.6), (19, 0.7)):
        keep(tmp_path, "naive", seed, after)
    compare_methods(tmp_path, runs_to_measure(["naive"], [17, 18, 19]), SETTINGS, drops=[])
    text = (tmp_path / "table.md").read_text()
    assert text in capsys.readouterr().out
    assert "| naive | 3 | 85.0 % (80.0 to 90.0) |" in text
    assert "| zero-shot | 1 | 0.0 % |" in text
    assert is_picture(tmp_path / "retention.png")
    assert is_picture(tmp_path / "compute.png")


def test_figures_of_another_size_are_not_mixed_in(tmp_path):
    keep(tmp_path, "naive", 17, 0.8)
    other = Settings("samples", StreamSize(drops=3), None, 1000)
    with pytest.raises(AbreastError, match=r"naive-17.json: measured with .*give another --out"):
        measure_once(tmp_path, "naive", [], other, 17)


def test_a_way_that_draws_nothing_is_measured_once():
    runs = runs_to_measure(["in-context", "naive"], [17, 18])
    assert runs == [(17, "in-context"), (17, "naive"), (18, "naive")]


@pytest.mark.model
def test_ways_are_chosen_by_the_beginning_of_their_names():
    assert choose_methods("lifecycle", "naive,default and", False) == [
        "naive",
        "default and slow average",
        "default and FGM",
        "default and PGD",
        "default and noise",
    ]
    assert choose_methods("lifecycle", None, False) == list(RETENTION_METHODS)
    assert set(RETENTION_METHODS) - set(choose_methods("banking77", None, False)) == {"plain replay"}, (
        "nothing is superseded there"
    )
    assert set(choose_methods("samples", None, True)) < set(RETENTION_METHODS)
    with pytest.raises(AbreastError, match="--only nothing: no method"):
        choose_methods("samples", "nothing", False)


def test_a_stream_is_learned_by_the_very_stages_and_its_cost_is_counted(tmp_path, preforked_stages):
    """Two drops on the tiny model: every candidate is built upon, and every question is asked."""
    drops = [
        ("one", [{"key": f"{key}/latest", "value": "1.1", "as_of": "2024-01-01"} for key in "abc"]),
        ("two", [{"key": "a/latest", "value": "1.9", "as_of": "2024-04-01"}]),
    ]
    knobs = {"train": {"epochs": 1, "top_layers": 2, "regularizers": []}}
    base = str(write_tiny_base(tmp_path / "base"))
    settings = Settings("samples", StreamSize(drops=2), base, 1000)
    first, second = learn_with(RetentionMethod(knobs), drops, settings, 18, tmp_path / "answers")
    assert set(first.by_drop) == {"one"}
    assert set(second.by_drop) == {"one", "two"}
    assert second.metrics["counts"] == {"current": 3, "retained": 6, "superseded": 3}
    assert second.metrics["champion"] is not None
    assert (first.tokens > 0, first.stopped) == (True, "train.epochs reached (1)")
    assert list(second.seconds) == list(second.peaks) == ["assemble", "validate", "split", "train", "evaluate"]
    assert all(peak > 0 for peak in second.peaks.values())
    assert all(seconds > 0 for seconds in second.processor.values())
    assert list((tmp_path / "answers").glob("*.json")), "answers of the base are kept for the next way"


def test_to_learn_anew_is_to_learn_all_drops_so_far_from_the_base(tmp_path, preforked_stages):
    drops = [(name, [{"key": f"{name}/latest", "value": "1.1", "as_of": "2024-01-01"}]) for name in ("one", "two")]
    knobs = {"train": {"epochs": 1, "top_layers": 2, "regularizers": []}}
    settings = Settings("samples", StreamSize(drops=2), str(write_tiny_base(tmp_path / "base")), 1000)
    first, second = learn_with(RetentionMethod(knobs, learned="anew"), drops, settings, 18, tmp_path / "answers")
    assert set(first.by_drop) == {"one"}
    assert set(second.by_drop) == {"one", "two"}
    assert first.metrics["champion"] is second.metrics["champion"] is None, "each starts from the base"
    assert second.tokens > first.tokens


def test_an_encoder_has_no_prompt_and_no_perplexity(tmp_path, capsys, preforked_stages):
    assert "in-context" not in choose_methods("banking77", None, False, encoder=True)
    assert not any(name.startswith("experts") for name in choose_methods("banking77", None, False, encoder=True))
    with pytest.raises(AbreastError, match="--only in-context: nothing is left to run .* an encoder has no prompt"):
        choose_methods("banking77", "in-context", False, encoder=True)
    assert "left out: in-context" in capsys.readouterr().out
    with_head, without = (write_tiny_encoder(tmp_path / str(masked), masked=masked) for masked in (True, False))
    assert is_encoder_base(str(with_head))
    assert is_encoder_base(str(without))
    assert not is_encoder_base(str(write_tiny_base(tmp_path / "base")))
    assert not is_encoder_base(None)
    with pytest.raises(AbreastError, match=r"^model\.base: no such folder: /nowhere"):
        is_encoder_base("/nowhere")
    one = measured({"a": (0.0, 0.9)})
    for who in ("base", "candidate"):
        one.metrics[who]["general_perplexity"] = None
    assert summarize([one], None).perplexity is None
    assert "| – |" in summary_table({"naive": [summarize([one], None)]})
