from abreast.registry.run_log import flatten


def test_nested_knobs_get_dotted_names():
    assert dict(flatten({"a": {"b": 1, "c": {"d": 2}}, "e": 3})) == {"a.b": 1, "a.c.d": 2, "e": 3}
