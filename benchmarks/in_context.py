"""In-context learning in place of the stages train and evaluate: nothing is trained, examples precede each question.

python -m benchmarks.in_context --shots 5     # in a project folder whose stages up to split are done

It asks the untrained base the questions of `data/questions.jsonl`; before each question stand the nearest examples of
`data/train.jsonl`, as for `evaluate.in_context_examples`. If all drops are learned together, these are all valid
records that may be taught. It writes the reports of the stage evaluate, with these answers as the candidate's.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path

from abreast.core import stage
from abreast.core.settings import Params, load_params
from abreast.dataset.examples import Question, read_examples, read_questions
from abreast.dataset.split import QUESTIONS, TRAIN
from abreast.evaluation.collect import collect_reports
from abreast.evaluation.knob_files import read_knob_file
from abreast.evaluation.session import ModelAnswers
from abreast.inference.in_context import first_answer, with_examples
from abreast.inference.load import load_predictor
from abreast.reports.metrics import CANDIDATE, ModelMetrics
from abreast.reports.reports import write_reports

SHOTS = 5


def main(arguments: Sequence[str] | None = None) -> None:
    """Ask in the current folder; `arguments` are those of the command line if left out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shots", type=int, default=SHOTS)
    count, params = parser.parse_args(arguments).shots, load_params(Path())
    questions = [question for question in read_questions(QUESTIONS) if question.kind != "text"]
    asked = with_examples([q.question for q in questions], read_examples(TRAIN), count, params.model.prompt)
    base = load_predictor(None, params.model, params.evaluate)
    answers = base.answer(asked, [(question.answer,) for question in questions], check=False)
    general = read_knob_file(params.evaluate, "general_text")
    write_in_context_reports(questions, list(map(first_answer, answers)), base.perplexity(general), params)


def write_in_context_reports(questions: list[Question], answers: list[str], perplexity: float, params: Params) -> None:
    """Write the reports that the benchmark reads; the base without examples has its perplexity alone."""
    answered = {CANDIDATE: ModelAnswers(answers, perplexity)}
    reports = collect_reports(questions, answered, {}, params.evaluate)
    metrics = reports.metrics.model_copy(update={"base": ModelMetrics(general_perplexity=perplexity)})
    write_reports(Path("reports"), reports.model_copy(update={"metrics": metrics}))


if __name__ == "__main__":
    stage.run(main)
