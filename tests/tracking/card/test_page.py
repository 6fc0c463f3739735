import pytest

from abreast.core.errors import AbreastError
from abreast.tracking.card.page import Arrived, parse_page
from tests.lifecycle.ledgers import digest_of, finished_run, verdict
from tests.tracking.card.pages import page_of


def test_a_written_page_is_read_back(tmp_path):
    page = page_of(finished_run(tmp_path)).model_copy(update={"version": "v1", "verdict": verdict(passed=True)})
    assert parse_page(page.model_dump_json().encode(), "card.json") == page
    assert page.parents == ()
    assert page.drops == (
        Arrived(name="2026-q1", digest=digest_of("2026-q1"), rows=3, accepted=2, quarantined=1, kinds={"fact": 2}),
    )


def test_a_damaged_page_is_named():
    with pytest.raises(AbreastError, match=r"card\.json of v1: line: Field required"):
        parse_page(b"{}", "card.json of v1")
