"""The card as one HTML file: no script, no address from outside, the picture inside; for screen, phone and paper."""

from base64 import b64encode
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from abreast.tracking.card.escape import number_text, percent_text
from abreast.tracking.card.head import gate_outcome, held_up_by, interval_text, verdict_meaning
from abreast.tracking.card.markdown import WHO, measure_value, retention_summary
from abreast.tracking.card.page import Page

if TYPE_CHECKING:
    from jinja2 import Template

TEMPLATE = Path(__file__).with_name("card.html")
_UNFOLDED = 10
"""Answers that are shown at once; the others unfold."""


def render_html(page: Page, picture: bytes) -> str:
    """The whole card; `picture` is the retention matrix as PNG."""
    return _template().render(page=page, data=page.data, picture=b64encode(picture).decode(), unfolded=_UNFOLDED)


@cache
def _template() -> "Template":
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.globals |= {"who": WHO, "measure_value": measure_value, "retention_summary": retention_summary}
    environment.globals |= {"interval_text": interval_text, "gate_outcome": gate_outcome}
    environment.globals |= {"verdict_meaning": verdict_meaning, "held_up_by": held_up_by}
    environment.filters |= {"number": number_text, "percent": percent_text}
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
