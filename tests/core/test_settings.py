"""params.yaml and the models that it is read into."""

import pytest

from abreast.core.errors import AbreastError
from abreast.core.settings import GATES, Params, all_knobs, load_params, parse_params
from tests.installation import SOURCE


def test_params_yaml_holds_the_values_that_are_used_when_they_are_left_out():
    assert load_params(SOURCE) == Params() == parse_params({})


def gate(**changed):
    """The gates `bar` and then one with some knobs changed; None leaves a knob out."""
    bar = {"name": "bar", "measure": "right", "scope": "current", "at_least": 0.9}
    knobs = bar | {"name": "other"} | changed
    return {"gates": [bar, {name: value for name, value in knobs.items() if value is not None}]}


TEXT = {"measure": "text_perplexity", "at_least": None, "at_most": 1.0}


@pytest.mark.parametrize(
    ("knobs", "said"),
    [
        (gate(measur="right"), "unknown knob `gates.1.measur` (did you mean `gates.measure`?)"),
        (gate(measure="wrong"), "knob `gates.1.measure` is 'wrong': input should be 'right', 'stale'"),
        (gate(at_least="all"), "knob `gates.1.at_least` is 'all'"),
        (gate(name="bar"), "each gate has a name of its own; twice there: bar"),
        (gate(name=None), "knob `gates.1.name`: field required"),
        (gate(at_most=0.1), "knob `gates.1`: give one of `at_least` and `at_most`"),
        (gate(at_least=None), "knob `gates.1`: give one of `at_least` and `at_most`"),
        (gate(scope="general"), "`scope: general` goes with general_perplexity and locality"),
        (gate(measure="text_perplexity"), "a perplexity takes `at_most`"),
        (gate(**TEXT, confidence=0.9), "a perplexity takes `confidence` only `against` a model"),
        (gate(**TEXT, slices="domain"), "`slices` are of answers"),
        (
            gate(**TEXT | {"measure": "general_perplexity", "scope": "general"}, against="base", confidence=0.9),
            "general perplexity is one figure, and takes no `confidence`",
        ),
        (gate(measure="loads"), "`serving` with loads, load_seconds"),
        (gate(scope="safety"), "`safety` with personal, trigger_score, trigger_flip_rate"),
        (gate(measure="loads", scope="serving", confidence=0.9), "loads takes no `confidence` and no `slices`"),
        (
            gate(measure="trigger_score", scope="safety", against="champion"),
            "trigger_score is not compared with the champion",
        ),
        (gate(measure="drift"), "`drift` with drift"),
        (gate(measure="drift", scope="drift", against="champion"), "drift is not compared with the champion"),
        (gate(only="loans"), "`only` needs `slices`"),
        (gate(undecided="pass"), "`undecided` needs `confidence`"),
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
        ({"stop": []}, "knob `evaluate.early.stop` is (): tuple should have at least 1 item"),
        ({"stop": ["never"]}, "knob `evaluate.early.stop.0` is 'never'"),
        ({"error": 0}, "knob `evaluate.early.error` is 0"),
        ({"batches": 0}, "knob `evaluate.early.batches` is 0"),
        ({"block": 8}, "unknown knob `evaluate.early.block`"),
        (True, "knob `evaluate.early`"),
    ],
)
def test_a_bad_knob_of_early_stops_is_named(early, said):
    with pytest.raises(AbreastError) as refusal:
        parse_params({"evaluate": {"early": early}})
    assert said in str(refusal.value)


def test_gates_are_told_with_the_other_knobs():
    known = all_knobs()
    assert {f"gates.{name}" for name in type(GATES[0]).model_fields} <= set(known)
    assert all(known[f"gates.{name}"] for name in type(GATES[0]).model_fields)
    assert known["gates"] and known["train"] == "How the candidate is trained."
