"""Asking a version: the champion, or any other."""

from pathlib import Path

from abreast.core.errors import AbreastError
from abreast.core.project import Project
from abreast.ledger import Ledger
from abreast.tracking.registry import Registry


def ask(
    project: Project,
    ledger: Ledger,
    registry: Registry,
    question: str,
    version: int | None = None,
    kind: str | None = None,
) -> dict[str, str]:
    """Answer from the champion, or from `version`.

    Which version serves is read from the ledger, and a model that was fetched before is kept in `home.models` by its
    digest: then no server is needed.

    Args:
        kind: which head of an encoder answers, if it has several.

    Returns:
        `{"question", "answer", "version"}`, the version such as `v3`.

    Raises:
        AbreastError: there is no champion yet, no such version, its files are not those that were recorded, or `kind`
            names none of its heads, or none is named and there are several.
        Unavailable: the model must be fetched and MLflow does not answer.
    """
    if not question.strip():
        raise AbreastError("the question is empty")
    number, folder = model_folder(project, ledger, registry, version)
    from abreast.inference.predictor import load_answerer

    answerer = load_answerer(folder, project.params.model)
    answer = answerer.answer([question], kinds=[answerer.head_for(kind)])[0]
    return {"question": question, "answer": answer, "version": f"v{number}"}


def model_folder(project: Project, ledger: Ledger, registry: Registry, version: int | None = None) -> tuple[int, Path]:
    """The number and the checked local files of `version`, or of the champion; raises as `ask` does."""
    line = project.params.model.name
    number = ledger.promotions.champion(line) if version is None else version
    if number is None:
        raise AbreastError(f"{line} has no champion yet: bring a drop with `abreast drop PATH`, then `abreast update`")
    known = ledger.versions.get(line, number)
    return number, registry.fetch(number, known.digest, project.home.models)
