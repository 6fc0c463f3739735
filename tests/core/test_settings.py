"""params.yaml and the models that it is read into."""

import pytest
from ruamel.yaml import YAML

from abreast.core.errors import AbreastError
from abreast.core.settings import GATES, Params, all_knobs, load_params, parse_params
from abreast.core.settings.write import flow, params_text
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
        (gate(measure=None), "gate `other`: knob `gates.1.measure`: field required"),
        ({"gates": ["bar"]}, "knob `gates.0` is 'bar': expected a mapping"),
        (gate(at_most=0.1), "knob `gates.1`: give one of `at_least` and `at_most`"),
        (gate(at_least=None), "knob `gates.1`: give one of `at_least` and `at_most`"),
        (gate(scope="general"), "knob `gates.1.scope` is 'general': input should be 'current', 'retained' or 'known'"),
        (gate(measure="text_perplexity"), "knob `gates.1.at_most`: field required"),
        (
            gate(measure="text_perplexity"),
            "knob `gates.1.at_least` does not go with text_perplexity, which takes name, ",
        ),
        (gate(**TEXT, confidence=0.9), "a perplexity takes `confidence` only if `compare_to` is a model"),
        (
            gate(**TEXT, slice_by="domain"),
            "gate `other`: knob `gates.1.slice_by` does not go with text_perplexity, which takes name, measure, ",
        ),
        (
            gate(**TEXT | {"measure": "general_perplexity", "scope": "general"}, compare_to="base", confidence=0.9),
            "gate `other`: knob `gates.1.confidence` does not go with general_perplexity, which takes name, ",
        ),
        (gate(measure="loads"), "gate `other`: knob `gates.1.scope` is 'current': input should be 'serving'"),
        (gate(scope="safety"), "knob `gates.1.scope` is 'safety'"),
        (
            gate(measure="loads", scope="serving", confidence=0.9),
            "knob `gates.1.confidence` does not go with loads, which takes name, measure, scope, compare_to, ",
        ),
        (
            gate(measure="trigger_score", scope="safety", compare_to="champion"),
            "knob `gates.1.compare_to` is 'champion': input should be 'absolute'",
        ),
        (gate(measure="drift"), "knob `gates.1.scope` is 'current': input should be 'drift'"),
        (
            gate(measure="drift", scope="drift", compare_to="champion"),
            "knob `gates.1.compare_to` is 'champion': input should be 'absolute'",
        ),
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


def test_all_knobs_have_a_description_those_of_all_gates_too():
    known = all_knobs()
    assert {f"gates.{name}" for gate in GATES for name in type(gate).model_fields} <= set(known)
    assert [knob for knob, words in known.items() if not words] == []
    assert known["train"] == "How the candidate is trained."


def test_params_yaml_is_what_the_models_write():
    """`python -m abreast.core.settings.write` brings the file up to date."""
    assert (SOURCE / "params.yaml").read_text(encoding="utf-8") == params_text()


def test_what_is_written_keeps_every_kind_of_value():
    values = ("on", "1e3", "a: b", "- x", "#", "", "it's", "a, b", "x/y.z", 1, 1.5, True, None, "null", "two\nlines")
    assert YAML(typ="safe", pure=True).load(flow(values)) == list(values)
