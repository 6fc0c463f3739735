"""The card of a version: one page that a reviewer understands in a minute.

What it says is a frozen model (`page.Page`), gathered once when a version is registered and kept beside its run as
`reports/card.json`; `markdown` and `html` only render it, for MLflow, for Prefect and for a browser.
"""

from abreast.tracking.card.head import with_verdict

__all__ = ["with_verdict"]
