"""The stage `evaluate`: candidate, champion (the parent) and untrained base are asked the same questions.

In: model/, data/questions.jsonl, snapshot.json, the parent's model folder, the sections `model` and `evaluate`.
Out: reports/metrics.json, reports/answers.jsonl, reports/retention.csv, reports/retention.png, reports/slices.csv.
"""

import csv
import json
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from abreast import stage
from abreast.config import Params, load_params
from abreast.errors import AbreastError
from abreast.evaluation.answer import Answerer, load_answerers
from abreast.evaluation.kinds import Foreseen, counts_of, measure_kinds
from abreast.evaluation.memory import Memory
from abreast.evaluation.metrics import is_right, measure
from abreast.evaluation.plots import plot_retention
from abreast.evaluation.tables import by_drop, by_slice
from abreast.home import Home
from abreast.knowledge.lesson import Question, read_questions
from abreast.knowledge.snapshot import load_snapshot
from abreast.learning.folder import model_digest, verify

WHO = ("base", "champion", "candidate")
DROPS = ("drop", "name", "questions", *WHO)
SLICES = ("by", "name", "questions", *WHO)
REPORTS = Path("reports")


@dataclass(frozen=True)
class Heard:
    """What one model said to all questions: an answer to each, or how well it foresaw a raw text."""

    said: list[str | Foreseen]
    perplexity: float


def main() -> None:
    """Evaluate in the current folder."""
    params, snapshot = load_params(Path()), load_snapshot(Path())
    questions = read_questions(Path("data/questions.jsonl"))
    general = _general_text(params)
    folders = {"base": None, "candidate": Path("model")}
    if snapshot.parent is not None:
        verify(snapshot.parent.model, snapshot.parent.digest)
        folders["champion"] = snapshot.parent.model
    answerers = load_answerers(folders, params.model, params.evaluate)
    heard: dict[str, Heard] = {}
    for done, who in enumerate(name for name in WHO if name in folders):
        stage.progress("evaluate", done, len(folders), f"asking the {who}")
        heard[who] = _ask(answerers[who], folders[who], questions, general, params)
    REPORTS.mkdir(exist_ok=True)
    metrics = _metrics(questions, heard, params.evaluate.tolerance)
    (REPORTS / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n")
    _write(questions, heard, params.evaluate.tolerance)


def _general_text(params: Params) -> str:
    try:
        return Path(params.evaluate.general_text).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise AbreastError(f"evaluate.general_text: cannot read {params.evaluate.general_text}: {error}") from None


def _ask(answerer: Answerer, folder: Path | None, questions: list[Question], general: str, params: Params) -> Heard:
    """What a model says; the base was asked most of it before, and so was the champion, as a candidate."""
    spoken = [question for question in questions if question.kind != "text"]
    texts = [question for question in questions if question.kind == "text"]
    guesses = [(question.answer, *question.stale) for question in spoken]

    def ask(numbers: list[int]) -> list[str]:
        return answerer.answer([spoken[n].question for n in numbers], [guesses[n] for n in numbers])

    def read(numbers: list[int]) -> list[tuple[float, int]]:
        return answerer.foresee([texts[n].answer for n in numbers], [texts[n].id for n in numbers])

    identity = [answerer.base_digest, model_digest(folder) if folder else None, params.model.model_dump(mode="json")]
    memory = Memory(Home.of(Path()).root / "answers", *identity, params.evaluate.max_new_tokens)
    asked = [[question.question, *guess] for question, guess in zip(spoken, guesses, strict=True)]
    answers = iter(memory.recall(asked, ask))
    foreseen = iter(memory.recall([["text", text.id, text.answer] for text in texts], read))
    digest = sha256(general.encode()).hexdigest()
    perplexity = memory.recall([["perplexity", digest]], lambda _: [answerer.perplexity(general)])[0]
    said = [Foreseen(*next(foreseen)) if question.kind == "text" else next(answers) for question in questions]
    return Heard(said, perplexity)


def _metrics(questions: list[Question], heard: dict[str, Heard], tolerance: float) -> dict[str, Any]:
    """What reports/metrics.json holds; only what is answered counts as a question, raw text is there by kind."""
    spoken = [number for number, question in enumerate(questions) if question.kind != "text"]
    asked = [questions[number] for number in spoken]
    metrics: dict[str, Any] = dict.fromkeys(("candidate", "champion", "base"))
    by_kind = {kind: {"counts": counts} | dict(metrics) for kind, counts in counts_of(questions).items()}
    for who, of in heard.items():
        metrics[who] = measure(asked, [of.said[number] for number in spoken], of.perplexity, tolerance)
        for kind, figures in measure_kinds(questions, of.said, tolerance).items():
            by_kind[kind][who] = figures
    current = sum(question.scope == "current" for question in asked)
    stale = sum(bool(question.stale) for question in asked)
    metrics["counts"] = {"current": current, "retained": len(asked) - current, "superseded": stale}
    return metrics | {"by_kind": by_kind}


def _write(questions: list[Question], heard: dict[str, Heard], tolerance: float) -> None:
    """The answers, and who was right by drop and by slice; raw text has no answers."""
    spoken = [number for number, question in enumerate(questions) if question.kind != "text"]
    asked = [questions[number] for number in spoken]
    said = {who: [heard[who].said[n] for n in spoken] if who in heard else None for who in WHO}
    right = {
        who: [is_right(q, answer, tolerance) for q, answer in zip(asked, answers, strict=True)] if answers else None
        for who, answers in said.items()
    }
    with (REPORTS / "answers.jsonl").open("w", encoding="utf-8") as file:
        for number, question in enumerate(asked):
            fields = question.model_dump(include={"id", "key", "kind", "scope", "drop", "question", "answer", "stale"})
            given = {who: answers[number] if answers else None for who, answers in said.items()}
            hits = {who: hits[number] if hits else None for who, hits in right.items()}
            file.write(json.dumps(fields | given | {"right": hits}) + "\n")
    rows = by_drop(asked, right)
    _table(REPORTS / "retention.csv", DROPS, rows)
    _table(REPORTS / "slices.csv", SLICES, by_slice(asked, right))
    plot_retention(rows, REPORTS / "retention.png")


def _table(path: Path, columns: tuple[str, ...], rows: list[dict[str, Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    stage.run(main)
