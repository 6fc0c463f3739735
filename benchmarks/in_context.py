"""In-context learning in place of the stages train and evaluate: nothing is trained, examples precede the question.

The untrained base is asked what `data/questions.jsonl` asks, as `evaluate.in_context_examples` has it asked beside a
candidate:
before each question stand the nearest lessons of `data/train.jsonl`. Where all drops are learned together, these are
all that holds and may be taught. Out: metrics.json, answers.jsonl, texts.jsonl and retention.csv in reports/, with this
as the candidate.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from abreast.core import stage
from abreast.core.settings import Params, load_params
from abreast.dataset.examples import Question, read_examples, read_questions
from abreast.dataset.split import QUESTIONS, TRAIN
from abreast.evaluation.texts import read_text
from abreast.inference.in_context import cut, with_examples
from abreast.inference.predictor import load_answerers
from abreast.metrics.correctness import measure
from abreast.metrics.task_metrics import count_by_kind, metrics_by_kind
from abreast.reports.answers import ANSWERS, METRICS, TEXTS, write_answers, write_texts
from abreast.reports.tables import by_drop, write_table

SHOTS = 5


def main(arguments: Sequence[str] | None = None) -> None:
    """Ask in the current folder; `arguments` are those of the command line if left out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shots", type=int, default=SHOTS)
    count, params = parser.parse_args(arguments).shots, load_params(Path())
    questions = [question for question in read_questions(QUESTIONS) if question.kind != "text"]
    asked = with_examples([q.question for q in questions], read_examples(TRAIN), count, params.model.prompt)
    base = load_answerers({"base": None}, params.model, params.evaluate)["base"]
    answers = base.answer(asked, [(question.answer,) for question in questions], check=False)
    general = read_text(params.evaluate, "general_text")
    write_reports(questions, list(map(cut, answers)), base.perplexity(general), params)


def write_reports(questions: list[Question], answers: list[str], perplexity: float, params: Params) -> None:
    """The reports that the benchmark reads; the base without examples is in them with its perplexity alone."""
    tolerance, reports = params.evaluate.tolerance, Path("reports")
    kinds = metrics_by_kind(questions, answers, tolerance)
    counts = count_by_kind(questions)
    metrics = {
        "candidate": measure(questions, answers, perplexity, tolerance),
        "champion": None,
        "base": {"general_perplexity": perplexity},
        "counts": {scope: sum(held[scope] for held in counts.values()) for scope in ("current", "retained")},
        "by_kind": {kind: {"counts": counts[kind], "candidate": held} for kind, held in kinds.items()},
    }
    (reports / METRICS).write_text(json.dumps(metrics, indent=1) + "\n")
    said = {"base": None, "champion": None, "candidate": answers}
    right = write_answers(reports / ANSWERS, questions, said, tolerance)
    write_texts(reports / TEXTS, [], {})
    rows = by_drop(questions, right)
    write_table(reports / "retention.csv", list(rows[0]), rows)


if __name__ == "__main__":
    stage.run(main)
