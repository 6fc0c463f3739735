"""Which drop hurt, from the answers that MLflow keeps of each version."""

import pytest

from abreast.core.errors import AbreastError
from abreast.lineage.bisection import question_filter, version_steps, worst_version_step
from abreast.services.services import Services
from tests.lifecycle.ledgers import asked, digest_of
from tests.lifecycle.model_line import Line


@pytest.fixture(scope="module")
def services(local_mlflow, tmp_path_factory) -> Services:
    """v1 knows `a`, `b`, `c`; v2 loses two of them; v3 wins one back and loses one of another domain."""
    folder = tmp_path_factory.mktemp("line")
    line = Line(folder, local_mlflow(folder), "bisected")
    first = {"drop": digest_of("drop 0"), "domain": "x"}
    line.answer(*(asked(key, "yes", None, scope="current", **first) for key in "abc"))
    line.answer(
        asked("a", "no", "yes", **first),
        asked("b", "no", "yes", **first),
        asked("c", "yes", "yes", **first),
        asked("d", "no", "yes", scope="current", drop=digest_of("drop 1"), domain="x"),
        asked("e", "yes", "yes", domain="y"),
    )
    line.answer(
        asked("a", "yes", "no", **first),
        asked("b", "no", "no", **first),
        asked("c", "no", "yes", **first),
        asked("e", "no", "yes", domain="y"),
    )
    with pytest.MonkeyPatch.context() as patch:
        yield line.services(patch)


def test_the_version_that_lost_the_most_is_found_with_its_drop(services):
    words, part = question_filter(services.ledger, "domain=x", None, None)
    found = version_steps(services.ledger, services.registry, part)
    assert (words, [(s.version, s.questions, s.lost, s.won) for s in found]) == (
        "domain=x",
        [("v2", 3, 2, 0), ("v3", 3, 1, 1)],
    )
    step = worst_version_step(found)
    assert (step.version, [drop.name for drop in step.drops]) == ("v2", ["drop 1"])
    assert (step.before, round(step.after, 3), step.chance) == (1.0, 0.333, 0.25)
    assert [(one.key, one.answers["candidate"]) for one in step.examples] == [("a", "no"), ("b", "no")]
    assert step.fields()["drops"] == [{"name": "drop 1", "digest": digest_of("drop 1")}]


def test_a_key_a_drop_and_another_slice(services):
    blamed = {}
    for given in ((None, None, "c"), (None, "drop 0", None), ("domain=y", None, None), ("kind=fact", None, None)):
        step = worst_version_step(
            version_steps(services.ledger, services.registry, question_filter(services.ledger, *given)[1])
        )
        blamed[next(filter(None, given))] = (step.version, step.lost)
    assert blamed == {"c": ("v3", 1), "drop 0": ("v2", 2), "domain=y": ("v3", 1), "kind=fact": ("v2", 2)}


def test_looking_back_from_another_version(services):
    step = worst_version_step(
        version_steps(
            services.ledger, services.registry, question_filter(services.ledger, "domain=y", None, None)[1], version=2
        )
    )
    assert step is None, "v2 lost nothing of it"


def test_a_part_that_nobody_was_asked_about_and_words_that_name_none(services):
    with pytest.raises(AbreastError, match="no version up to v3 was asked anything of it"):
        version_steps(services.ledger, services.registry, question_filter(services.ledger, "domain=z", None, None)[1])
    with pytest.raises(AbreastError, match="--slice 'colour=red': must be one of kind, domain, source, language"):
        question_filter(services.ledger, "colour=red", None, None)
    with pytest.raises(AbreastError, match="give one of --slice, --drop and --key, not none"):
        question_filter(services.ledger, None, None, None)
    with pytest.raises(AbreastError, match="no drop 'nowhere'"):
        question_filter(services.ledger, None, "nowhere", None)
