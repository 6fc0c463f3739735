"""The content of a card as a frozen model; rendering adds nothing to it."""

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from abreast.core.errors import AbreastError
from abreast.core.validation import first_validation_error
from abreast.metrics.retention import RetentionMatrix
from abreast.reports.verdict import Verdict
from abreast.tracking.card.report_data import ReportData, report_data
from abreast.tracking.run_log import RunFacts

PAGE = "card.json"
"""The file of `reports/` of a run that holds its page."""


class Arrived(BaseModel):
    """One drop that was learned: `rows` came, `accepted` were taken, `quarantined` were kept out."""

    model_config = ConfigDict(frozen=True)

    name: str
    digest: str
    rows: int
    accepted: int
    quarantined: int
    kinds: dict[str, int]


class Page(BaseModel):
    """One version: what arrived, what was measured of it, and where it comes from.

    `version` (such as `v3`) and `verdict` are None until they are known. `parents` are the versions that it was built
    upon, the nearest first; `run` is MLflow's id and `experiment` that of the experiment that holds the run. Earlier
    versions call `data` `told`.
    """

    model_config = ConfigDict(frozen=True)

    line: str
    version: str | None = None
    verdict: Verdict | None = None
    update: str
    commit: str
    parents: tuple[str, ...]
    experiment: str
    run: str
    snapshot: str
    digest: str
    drops: tuple[Arrived, ...]
    data: ReportData = Field(validation_alias=AliasChoices("data", "told"))
    retention: RetentionMatrix


def build_page(facts: RunFacts, line: str, experiment: str, run: str) -> Page:
    """The card of one finished update.

    Raises:
        AbreastError: a report is missing or unreadable.
    """
    return Page(
        line=line,
        update=facts.update,
        commit=facts.commit,
        parents=tuple(reversed(facts.retention.versions[:-1])),
        experiment=experiment,
        run=run,
        snapshot=facts.snapshot,
        digest=facts.model_digest,
        drops=tuple(Arrived(**drop.model_dump(include=set(Arrived.model_fields))) for drop in facts.drops),
        data=report_data(facts.reports),
        retention=facts.retention,
    )


def parse_page(text: bytes, where: str) -> Page:
    """Read what `Page.model_dump_json` wrote; raises AbreastError that names `where`."""
    from pydantic import ValidationError

    try:
        return Page.model_validate_json(text)
    except ValidationError as error:
        raise AbreastError(f"{where}: {first_validation_error(error, 'Page')}") from None
