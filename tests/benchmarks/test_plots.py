from benchmarks.plots import family, plot_compute, plot_matrices
from benchmarks.retention_summary import retention_matrix, summarize
from tests.benchmarks.made_up_measurements import is_picture
from tests.benchmarks.test_retention_summary import JOINT, OTHER, TWO


def test_the_maps_show_every_way_and_gaps_where_nothing_was_asked(tmp_path):
    shown = {
        "naive": [retention_matrix(TWO), retention_matrix(OTHER)],
        "default (aware replay, anchor, locality)": [retention_matrix(OTHER)],
    }
    plot_matrices(shown | {"joint": [retention_matrix(JOINT)]}, "samples", tmp_path / "retention.png")
    assert is_picture(tmp_path / "retention.png")


def test_quality_is_shown_against_compute(tmp_path):
    shown = {"naive": [summarize(TWO, None), summarize(OTHER, None)], "joint": [summarize(JOINT, None)]}
    plot_compute(shown, "samples", tmp_path / "compute.png")
    assert is_picture(tmp_path / "compute.png")


def test_a_blank_picture_would_be_noticed(tmp_path):
    from benchmarks.plots import new_figure

    new_figure(3, 2).savefig(tmp_path / "blank.png")
    assert not is_picture(tmp_path / "blank.png")


def test_a_way_is_of_the_family_of_what_it_trains_on():
    assert [family(name) for name in ("zero-shot", "in-context")] == ["nothing is trained"] * 2
    assert [family(name) for name in ("naive", "EWC, no replay")] == ["the new drop alone"] * 2
    assert family("plain replay") == family("default and FGM") == "the new drop and replay"
    assert family("joint") == "all drops at once"
