"""params.yaml and the models that it is read into."""

import pytest

from abreast.core.errors import AbreastError
from abreast.core.settings import GATES, Params, all_knobs, load_params, parse_params
from tests.installation import SOURCE


def test_params_yaml_holds_the_values_that_are_used_when_they_are_left_out():
    assert load_params(SOURCE) == Params() == parse_params({})


def gate(**changed):
    """The gates `bar` and then one with some knobs changed; None leaves a knob out."""
    bar = {"name": "bar", "measure": "accuracy", "scope": "current", "at_least": 0.9}
    knobs = bar | {"name": "other"} | changed
    return {"gates": [bar, {name: value for name, value in knobs.items() if value is not None}]}


TEXT = {"measure": "text_perplexity", "at_least": None, "at_most": 1.0}


@pytest.mark.parametrize(
    ("knobs", "said"),
    [
        (gate(measur="accuracy"), "unknown knob `gates.1.measur` (did you mean `gates.measure`?)"),
        (gate(measure="wrong"), "knob `gates.1.measure` is 'wrong': input should be 'accuracy', 'stale'"),
        (gate(at_least="all"), "knob `gates.1.at_least` is 'all'"),
        (gate(name="bar"), "each gate has a name of its own; twice there: bar"),
        (gate(name=None), "knob `gates.1.name`: field required"),
        (gate(at_most=0.1), "knob `gates.1`: give one of `at_least` and `at_most`"),
        (gate(at_least=None), "knob `gates.1`: give one of `at_least` and `at_most`"),
        (gate(scope="general"), "`scope: general` goes with general_perplexity and locality"),
        (gate(measure="text_perplexity"), "a perplexity takes `at_most`"),
        (gate(**TEXT, confidence=0.9), "a perplexity takes `confidence` only `compare_to` a model"),
        (gate(**TEXT, slice_by="domain"), "`slice_by` are of answers"),
        (
            gate(**TEXT | {"measure": "general_perplexity", "scope": "general"}, compare_to="base", confidence=0.9),
            "general perplexity is one figure, and takes no `confidence`",
        ),
        (gate(measure="loads"), "`serving` with loads, load_seconds"),
        (gate(scope="safety"), "`safety` with personal, trigger_score, trigger_flip_rate"),
        (gate(measure="loads", scope="serving", confidence=0.9), "loads takes no `confidence` and no `slice_by`"),
        (
            gate(measure="trigger_score", scope="safety", compare_to="champion"),
            "trigger_score is not compared with the champion",
        ),
        (gate(measure="drift"), "`drift` with drift"),
        (gate(measure="drift", scope="drift", compare_to="champion"), "drift is not compared with the champion"),
        (gate(only_slice="loans"), "`only_slice` needs `slice_by`"),
        (gate(on_undecided="pass"), "`on_undecided` needs `confidence`"),
        (gate(confidence=1.0), "knob `gates.1.confidence` is 1.0: input should be less than 1"),
        ({"gates": []}, "knob `gates` is (): tuple should have at least 1 item"),
        ({"gates": {"min_current": 0.9}}, "knob `gates`: input should be a list"),
    ],
)
def test_a_bad_gate_is_named_by_its_place(knobs, said):
    with pytest.raises(AbreastError) as refusal:
        parse_params(knobs)
    assert said in str(refusal.value)


@pytest.mark.parametrize(
    ("early", "said"),
    [
        ({"verdicts": []}, "knob `evaluate.early_stopping.verdicts` is (): tuple should have at least 1 item"),
        ({"verdicts": ["never"]}, "knob `evaluate.early_stopping.verdicts.0` is 'never'"),
        ({"error_rate": 0}, "knob `evaluate.early_stopping.error_rate` is 0"),
        ({"check_every": 0}, "knob `evaluate.early_stopping.check_every` is 0"),
        ({"block": 8}, "unknown knob `evaluate.early_stopping.block`"),
        (True, "knob `evaluate.early_stopping`"),
    ],
)
def test_a_bad_knob_of_early_stops_is_named(early, said):
    with pytest.raises(AbreastError) as refusal:
        parse_params({"evaluate": {"early_stopping": early}})
    assert said in str(refusal.value)


def test_gates_are_told_with_the_other_knobs():
    known = all_knobs()
    assert {f"gates.{name}" for name in type(GATES[0]).model_fields} <= set(known)
    assert all(known[f"gates.{name}"] for name in type(GATES[0]).model_fields)
    assert known["gates"] and known["train"] == "How the candidate is trained."
