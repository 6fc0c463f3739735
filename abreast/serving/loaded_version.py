"""A version in memory that answers questions: the champion, or any other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from abreast.core.errors import AbreastError
from abreast.core.project import Project
from abreast.inference.base_predictor import BasePredictor
from abreast.ledger import Ledger
from abreast.tracking.registry import Registry


@dataclass(frozen=True)
class LoadedVersion:
    """Loaded once, it answers any number of questions; `name` is such as `v3`."""

    name: str
    predictor: BasePredictor

    def answer(self, questions: Sequence[str], kind: str | None = None) -> list[str]:
        """The answer to each question, by the settings in the section `evaluate` of params.yaml.

        Args:
            kind: which head of an encoder answers, if it has several.

        Raises:
            AbreastError: a question is empty, or the model has several heads and `kind` names none of them.
        """
        if any(not question.strip() for question in questions):
            raise AbreastError("the question is empty")
        return self.predictor.answer(questions, kinds=[self.predictor.head_for(kind)] * len(questions))


def load_version(project: Project, ledger: Ledger, registry: Registry, version: int | None = None) -> LoadedVersion:
    """Load the champion, or `version`; raises as `fetch_version` does, or if the files are of another base."""
    number, folder = fetch_version(project, ledger, registry, version)
    (loaded,) = load_together(project, {f"v{number}": folder})
    return loaded


def load_together(project: Project, folders: Mapping[str, Path | None]) -> list[LoadedVersion]:
    """Load several model folders, by name, on one base in memory; None stands for the untrained base.

    Raises:
        AbreastError: a folder is not a complete model folder, or its model is of another base than `model.base`.
    """
    from abreast.inference.load import load_predictors

    predictors = load_predictors(dict(folders), project.params.model, project.params.evaluate)
    return [LoadedVersion(name, predictor) for name, predictor in predictors.items()]


def fetch_version(project: Project, ledger: Ledger, registry: Registry, version: int | None = None) -> tuple[int, Path]:
    """The number and the checked local files of `version`, or of the champion.

    Which version serves is read from the ledger, and a model that was fetched before is kept in `home.models` by its
    digest: then no server is needed.

    Raises:
        AbreastError: there is no champion yet, no such version, or its files are not those that were recorded.
        Unavailable: the model must be fetched and MLflow does not answer.
    """
    line = project.params.model.name
    number = ledger.promotions.champion(line) if version is None else version
    if number is None:
        raise AbreastError(f"{line} has no champion yet: bring a drop with `abreast drop PATH`, then `abreast update`")
    recorded = ledger.versions.get(line, number)
    return number, registry.fetch(number, recorded.digest, project.home.models)
