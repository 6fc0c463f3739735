"""The card as one HTML file: no script, no address from outside, the picture inside; for screen, phone and paper."""

from base64 import b64encode
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from abreast.tracking.card.escape import number, percent
from abreast.tracking.card.head import held_up_by, interval, meaning, said
from abreast.tracking.card.markdown import WHO, remembered, value
from abreast.tracking.card.page import Page

if TYPE_CHECKING:
    from jinja2 import Template

TEMPLATE = Path(__file__).with_name("card.html")
_UNFOLDED = 10
"""So many answers for the worse are open to view; the others unfold."""


def html(page: Page, picture: bytes) -> str:
    """The whole card; `picture` is the retention matrix as PNG."""
    return _template().render(page=page, told=page.told, picture=b64encode(picture).decode(), unfolded=_UNFOLDED)


@cache
def _template() -> "Template":
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.globals |= {"who": WHO, "value": value, "remembered": remembered}
    environment.globals |= {"interval": interval, "said": said, "meaning": meaning, "held": held_up_by}
    environment.filters |= {"number": number, "percent": percent}
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8"))
