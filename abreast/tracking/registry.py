"""What MLflow holds: a run for each update, its model, the registered version, and the aliases.

`mlflow.transformers.log_model` is not used: it would save the whole base beside an adapter, under wrong keys. The model
folder is logged as it is, as the artifacts of a LoggedModel. Nothing is ever unpickled.
"""

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlencode

from abreast.core.crash_points import crash_point
from abreast.core.errors import AbreastError
from abreast.core.files import new_folder
from abreast.tracking.card.head import pad_table, with_verdict
from abreast.tracking.card.markdown import description, full_card
from abreast.tracking.card.page import PAGE, Page, build_page, parse_page
from abreast.tracking.mlflow_api import MlflowApi
from abreast.tracking.retention_matrix import shown
from abreast.tracking.review_page import ANSWERED, ASKED, ASKING, REVIEWED, WAITING, with_review
from abreast.tracking.run_log import RunFacts, find_run, log_run

if TYPE_CHECKING:
    from mlflow import MlflowClient

    from abreast.ledger import Review
    from abreast.reports.verdict import Verdict


class RecordedVersion(NamedTuple):
    """The number of a version, and its card as it was logged."""

    number: int
    card: Page


class Registry:
    """One line of models in MLflow.

    Args:
        uri: the server's address.
        name: the registered model's and the experiment's name.
    """

    def __init__(self, uri: str, name: str) -> None:
        self.name = name
        self._api = MlflowApi(uri)

    def record_version(self, facts: RunFacts, verdict: "Verdict") -> RecordedVersion:
        """Log the run, its model, its version and its card with the verdict, each once.

        Idempotent: called again for the same update, after a kill at any point, it completes what is there.

        Raises:
            Unavailable: MLflow does not answer.
            AbreastError: MLflow refuses, or a report is missing or unreadable.
        """
        self._api.ping()
        with self._api.client() as client:
            run = find_run(client, self._experiment(client), facts)
            crash_point("record.run")
            log_run(client, run, facts)
            page = build_page(facts, self.name, run.info.experiment_id, run.info.run_id)
            crash_point("record.logged")
            model = _model(client, run, facts)
            crash_point("record.model")
            version = self._version(client, run, model, facts, verdict, _described(page, verdict))
            crash_point("record.version")
            card = page.model_copy(update={"version": f"v{version}", "verdict": verdict})
            self._log_card(client, card)
            crash_point("record.card")
            client.set_tag(run.info.run_id, "abreast.version", f"v{version}")
            client.set_terminated(run.info.run_id, "FINISHED")
            crash_point("record.finished")
            return RecordedVersion(version, card)

    def card(self, version: int) -> Page | None:
        """All that the card of a version says; None if it was registered before cards were kept."""
        run = self._get(version)["run_id"]
        try:
            return parse_page(self._api.read(run, f"reports/{PAGE}"), f"reports/{PAGE} of v{version} in MLflow")
        except KeyError:
            return None

    def card_html(self, page: Page) -> str:
        """A card as one HTML file."""
        from abreast.tracking.card.html import render_html

        return render_html(page, self._api.read(page.run, "reports/matrix.png"))

    def card_markdown(self, page: Page) -> str:
        """A card as Markdown, whole."""
        return full_card(page, self._api.uri)

    def aliases(self) -> dict[str, int]:
        """The version that each alias names; empty before the first registration."""
        try:
            known = self._api.call("GET", "registered-models/get", name=self.name)
        except KeyError:
            return {}
        return {one["alias"]: int(one["version"]) for one in known["registered_model"].get("aliases", [])}

    def set_alias(self, alias: str, version: int | None) -> None:
        """Let `alias` name `version`, or nothing. Only the promoter calls this."""
        if version is not None:
            fields = {"name": self.name, "alias": alias, "version": str(version)}
            with _known(f"v{version} of {self.name}"):
                self._api.call("POST", "registered-models/alias", **fields)
        elif alias in self.aliases():
            self._api.call("DELETE", "registered-models/alias", name=self.name, alias=alias)

    def ask_for_review(self, version: int) -> None:
        """Say at the head of the description that the version waits for a person, and how they may decide."""
        self._tag(version, ASKING, "for a review")
        self._show_review(version, "waits for you", WAITING)

    def asking(self) -> list[int]:
        """The versions whose pages ask for a review, oldest first."""
        return sorted(self._tagged(ASKING))

    def end_asking(self, version: int, why: str) -> None:
        """Say at the head of the description that nobody is asked any more."""
        self._show_review(version, "waits no more", [why])
        self._untag(version, ASKING)

    def set_reviews(self, version: int, reviews: "Sequence[Review]") -> None:
        """Write the reviews of a version at the head of its description, the last one first, and that one as a tag."""
        last = reviews[-1]
        sentences = [f"{one.summary} – {one.detail or 'not carried out yet'}" for one in reversed(reviews)]
        self._tag(version, REVIEWED, f"{last.summary} ({last.outcome or 'not carried out yet'})")
        self._show_review(version, last.outcome or "approved", sentences)
        self._untag(version, ASKING)

    def asked_reviews(self) -> dict[int, tuple[str, str]]:
        """The tag `abreast.review` of each version that bears one, and the answer that it was given, or nothing."""
        found = sorted(self._tagged(ASKED).items())
        return {number: (tags[ASKED], tags.get(ANSWERED, "")) for number, tags in found}

    def answer_review(self, version: int, answer: str) -> None:
        """Answer the tag `abreast.review` of a version."""
        self._tag(version, ANSWERED, answer)

    def digest(self, version: int) -> str:
        """The digest of a version's model folder, as it was recorded."""
        return _tags(self._get(version))["abreast.digest"]

    def check(self, version: int, digest: str) -> None:
        """Fetch a version's files and raise AbreastError unless they have `digest`."""
        if (recorded := self.digest(version)) != digest:
            raise AbreastError(
                f"v{version} of {self.name}: digest {recorded[:12]} in MLflow, {digest[:12]} in the ledger"
            )
        with tempfile.TemporaryDirectory(prefix="abreast-check-") as folder:
            self._download(version, Path(folder), digest)

    def fetch(self, version: int, digest: str, into: Path) -> Path:
        """The model folder of a version, at `into/<digest>`; MLflow is not asked for what is there already.

        Args:
            digest: what the ledger has recorded of the folder.

        Raises:
            AbreastError: there is no such version, or its files are not those that were recorded.
            Unavailable: MLflow does not answer.
        """
        from abreast.learning.model_folder import model_digest

        folder = into / digest
        if folder.is_dir():
            if model_digest(folder) == digest:
                return folder
            shutil.rmtree(folder)
        with suppress(FileExistsError), new_folder(folder) as staging:
            self._download(version, staging, digest)
        return folder

    def page(self, version: int) -> str:
        """The address of a version's page."""
        return f"{self._api.uri}/#/models/{self.name}/versions/{version}"

    def report_url(self, run: str, report: str) -> str:
        """The address of a file of `reports/` of a run."""
        return f"{self._api.uri}/get-artifact?{urlencode({'path': f'reports/{report}', 'run_uuid': run})}"

    def run(self, version: int) -> str:
        """The id of the run that made a version."""
        return self._get(version)["run_id"]

    def report(self, version: int, name: str) -> str:
        """The text of a file of `reports/` of the run that made a version.

        Raises:
            AbreastError: MLflow knows no such version, or keeps no such report of it.
            Unavailable: MLflow does not answer.
        """
        try:
            return self._api.read(self.run(version), f"reports/{name}").decode()
        except KeyError:
            raise AbreastError(f"MLflow keeps no reports/{name} of v{version} of {self.name}") from None

    def _log_card(self, client: "MlflowClient", page: Page) -> None:
        """The card as JSON, Markdown and HTML, and the picture of its retention matrix."""
        from abreast.tracking.card.html import render_html
        from abreast.tracking.heat_map import matrix_png

        picture = matrix_png(shown(page.retention))
        texts = {PAGE: page.model_dump_json(indent=1), "card.md": self.card_markdown(page)}
        texts |= {"card.html": render_html(page, picture), "matrix.json": page.retention.model_dump_json(indent=2)}
        with tempfile.TemporaryDirectory(prefix="abreast-card-") as folder:
            for name, text in texts.items():
                Path(folder, name).write_text(text, encoding="utf-8")
            Path(folder, "matrix.png").write_bytes(picture)
            client.log_artifacts(page.run, folder, "reports")

    def _download(self, version: int, into: Path, digest: str) -> None:
        """All files of a version into the folder `into`; AbreastError unless they have `digest`."""
        from abreast.learning.model_folder import model_digest

        model = self._get(version)["source"].removeprefix("models:/")
        source = self._api.call("GET", f"logged-models/{model}")["model"]["info"]["artifact_uri"]
        if source.startswith("mlflow-artifacts:"):
            self._api.download(source, into)
        else:
            with self._api.client() as client:
                from mlflow.artifacts import download_artifacts

                download_artifacts(artifact_uri=source, dst_path=str(into), tracking_uri=client.tracking_uri)
        if (found := model_digest(into)) != digest:
            raise AbreastError(
                f"v{version} of {self.name}: its files in MLflow have digest {found[:12]}, recorded is {digest[:12]}"
            )

    def _get(self, version: int) -> dict:
        with _known(f"v{version} of {self.name}"):
            found = self._api.call("GET", "model-versions/get", name=self.name, version=str(version))
        return found["model_version"]

    def _show_review(self, version: int, state: str, sentences: Sequence[str]) -> None:
        described = with_review(self._get(version).get("description", ""), state, sentences)
        self._describe(version, described)

    def _tag(self, version: int, key: str, value: str) -> None:
        self._api.call("POST", "model-versions/set-tag", name=self.name, version=str(version), key=key, value=value)

    def _untag(self, version: int, key: str) -> None:
        self._api.call("DELETE", "model-versions/delete-tag", name=self.name, version=str(version), key=key)

    def _tagged(self, key: str) -> dict[int, dict[str, str]]:
        """The tags of each version that bears one of this name."""
        mine = {"filter": f"name = '{self.name}' and tags.`{key}` LIKE '%'", "max_results": "1000"}
        found = self._api.call("GET", "model-versions/search", **mine).get("model_versions", [])
        return {int(one["version"]): _tags(one) for one in found}

    def _experiment(self, client: "MlflowClient") -> str:
        if known := client.get_experiment_by_name(self.name):
            return known.experiment_id
        made = client.create_experiment(self.name)
        crash_point("record.experiment")
        return made

    def _version(
        self, client: "MlflowClient", run: Any, model: Any, facts: RunFacts, verdict: "Verdict", described: str
    ) -> int:
        """The version of this update with its verdict, found by its tag or made."""
        mine = f"name = '{self.name}' and tags.`abreast.update` = '{facts.update}'"
        if known := client.search_model_versions(mine):
            if known[0].tags["abreast.digest"] != facts.model_digest:
                raise AbreastError(
                    f"v{known[0].version} of {self.name} is {facts.update}'s, with other files than these"
                )
            return self._judge_again(int(known[0].version), verdict, described)
        try:
            self._api.call("GET", "registered-models/get", name=self.name)
        except KeyError:
            client.create_registered_model(self.name, description="Kept abreast of its data by Abreast.")
            crash_point("record.named")
        tags = {
            "abreast.update": facts.update,
            "abreast.digest": facts.model_digest,
            "abreast.parent": facts.parent_name,
            "abreast.commit": facts.commit,
            "abreast.verdict": verdict.verdict,
        }
        made = client.create_model_version(
            self.name,
            source=model.model_uri,
            run_id=run.info.run_id,
            tags=tags,
            description=described,
            model_id=model.model_id,
            await_creation_for=0,
        )
        return int(made.version)

    def _judge_again(self, version: int, verdict: "Verdict", described: str) -> int:
        """The verdict of a repetition, on a version that a cut-off update left behind."""
        self._tag(version, "abreast.verdict", verdict.verdict)
        self._describe(version, described)
        return version

    def _describe(self, version: int, text: str) -> None:
        self._api.call("PATCH", "model-versions/update", name=self.name, version=str(version), description=text)


def _described(page: Page, verdict: "Verdict") -> str:
    """The description of a version, the verdict at its head."""
    return pad_table(with_verdict(pad_table(description(page)), verdict))


def _model(client: "MlflowClient", run: Any, facts: RunFacts) -> Any:
    """The LoggedModel of this update with all its files, found by its tag or made."""
    mine = f"tags.`abreast.update` = '{facts.update}' AND tags.`abreast.digest` = '{facts.model_digest}'"
    known = client.search_logged_models([run.info.experiment_id], filter_string=mine)
    model = (
        known[0]
        if known
        else client.create_logged_model(
            run.info.experiment_id,
            name=facts.update,
            source_run_id=run.info.run_id,
            tags={"abreast.update": facts.update, "abreast.digest": facts.model_digest},
            model_type="abreast",
        )
    )
    crash_point("record.model_begun")
    if model.status.name != "READY":
        client.log_model_artifacts(model.model_id, str(facts.folder / "model"))
        crash_point("record.model_files")
        client.finalize_logged_model(model.model_id, "READY")
    return model


def _tags(version: dict) -> dict[str, str]:
    return {tag["key"]: tag["value"] for tag in version.get("tags", [])}


@contextmanager
def _known(what: str) -> Iterator[None]:
    try:
        yield
    except KeyError:
        raise AbreastError(f"MLflow has no {what}; `abreast history` lists the versions") from None
