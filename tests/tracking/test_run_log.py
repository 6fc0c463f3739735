from abreast.tracking.run_log import flatten


def test_nested_knobs_get_dotted_names():
    assert dict(flatten({"a": {"b": 1, "c": {"d": 2}}, "e": 3})) == {"a.b": 1, "a.c.d": 2, "e": 3}


def test_things_with_a_name_are_told_by_it():
    gates = ({"name": "gain", "at_least": 0.0, "at_most": None}, {"name": "by domain", "slices": "domain"})
    flat = dict(flatten({"gates": gates, "teach": ("direct",), "none": ()}))
    assert flat == {
        "gates.gain": {"at_least": 0.0},
        "gates.by domain": {"slices": "domain"},
        "teach": ("direct",),
        "none": (),
    }
