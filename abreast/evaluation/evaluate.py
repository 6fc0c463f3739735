"""The stage `evaluate`: candidate, champion (the parent) and untrained base are asked the same questions.

In: model/, data/questions.jsonl, snapshot.json, the parent's model folder, the sections `model` and `evaluate`.
Out: reports/metrics.json, reports/answers.jsonl, reports/retention.csv, reports/retention.png.
"""

import csv
import json
from hashlib import sha256
from pathlib import Path
from typing import Any

from abreast import stage
from abreast.config import Params, load_params
from abreast.errors import AbreastError
from abreast.evaluation.answer import Answerer, load_answerers
from abreast.evaluation.measures.answers import share
from abreast.evaluation.memory import Memory
from abreast.evaluation.metrics import is_exact, measure
from abreast.evaluation.plots import plot_retention
from abreast.home import Home
from abreast.knowledge.lesson import Question, read_questions
from abreast.knowledge.snapshot import load_snapshot
from abreast.learning.folder import model_digest, verify

WHO = ("base", "champion", "candidate")
COLUMNS = ("drop", "name", "questions", *WHO)
REPORTS = Path("reports")


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
    answers: dict[str, list[str] | None] = dict.fromkeys(WHO)
    metrics: dict[str, Any] = dict.fromkeys(("candidate", "champion", "base"))
    for done, who in enumerate(name for name in WHO if name in folders):
        stage.progress("evaluate", done, len(folders), f"asking the {who}")
        answers[who], perplexity = _ask(answerers[who], folders[who], questions, general, params)
        metrics[who] = measure(questions, answers[who], perplexity)
    current = sum(question.scope == "current" for question in questions)
    stale = sum(bool(question.stale) for question in questions)
    metrics["counts"] = {"current": current, "retained": len(questions) - current, "superseded": stale}
    _write(questions, answers, metrics)


def _general_text(params: Params) -> str:
    try:
        return Path(params.evaluate.general_text).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise AbreastError(f"evaluate.general_text: cannot read {params.evaluate.general_text}: {error}") from None


def _ask(
    answerer: Answerer, folder: Path | None, questions: list[Question], general: str, params: Params
) -> tuple[list[str], float]:
    """Answers and perplexity; the base was asked most of it before, and so was the champion, as a candidate."""
    texts = [question.question for question in questions]
    guesses = [(question.answer, *question.stale) for question in questions]

    def ask(numbers: list[int]) -> list[str]:
        return answerer.answer([texts[n] for n in numbers], [guesses[n] for n in numbers])

    identity = [answerer.base_digest, model_digest(folder) if folder else None, params.model.model_dump(mode="json")]
    memory = Memory(Home.of(Path()).root / "answers", *identity, params.evaluate.max_new_tokens)
    asked = [[text, *guess] for text, guess in zip(texts, guesses, strict=True)]
    answers = memory.recall(asked, ask)
    digest = sha256(general.encode()).hexdigest()
    return answers, memory.recall([["perplexity", digest]], lambda _: [answerer.perplexity(general)])[0]


def _write(questions: list[Question], answers: dict[str, list[str] | None], metrics: dict[str, Any]) -> None:
    REPORTS.mkdir(exist_ok=True)
    (REPORTS / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n")
    with (REPORTS / "answers.jsonl").open("w", encoding="utf-8") as file:
        for number, question in enumerate(questions):
            given = {who: answers[who][number] if answers[who] else None for who in WHO}
            fields = question.model_dump(include={"id", "key", "scope", "drop", "question", "answer", "stale"})
            file.write(json.dumps(fields | given) + "\n")
    rows = _by_drop(questions, answers)
    with (REPORTS / "retention.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    plot_retention(rows, REPORTS / "retention.png")


def _by_drop(questions: list[Question], answers: dict[str, list[str] | None]) -> list[dict[str, Any]]:
    """Exact match of each model on the questions from each drop, in the order in which the drops arrived."""
    rows = []
    for _, drop, name in sorted({(q.arrived_at, q.drop, q.drop_name) for q in questions}):
        numbers = [number for number, question in enumerate(questions) if question.drop == drop]
        row: dict[str, Any] = {"drop": drop, "name": name, "questions": len(numbers)}
        for who in WHO:
            given = answers[who]
            row[who] = share([is_exact(questions[n], given[n]) for n in numbers]) if given else None
        rows.append(row)
    return rows


if __name__ == "__main__":
    stage.run(main)
