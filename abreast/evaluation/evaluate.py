"""The stage `evaluate`: candidate, champion (the parent) and untrained base answer the same questions.

With `evaluate.in_context_examples`, the base answers again with the nearest examples before each question.

In: model/, data/questions.jsonl, data/train.jsonl, snapshot.json, the parent's model folder, the sections `model`,
`evaluate` and, for `evaluate.early_stopping`, `gates`.
Out: reports/metrics.json, reports/answers.jsonl, reports/texts.jsonl, reports/retention.csv, reports/retention.png,
reports/slices.csv, reports/safety.json, all of them on the questions that were asked, and reports/stopped.json.
"""

from collections.abc import Sequence
from pathlib import Path

from abreast.core import stage
from abreast.core.settings import Params, load_params
from abreast.core.threads import use_free_cores
from abreast.dataset.examples import Example, read_examples, read_questions
from abreast.evaluation.ask_in_blocks import ask_in_blocks
from abreast.evaluation.collect import collect_reports, counts_by_scope, split_answers
from abreast.evaluation.knob_files import read_knob_file
from abreast.evaluation.locality import locality, read_unrelated
from abreast.evaluation.mistyped import mistyped_figure, robustness_by_model
from abreast.evaluation.plots import plot_retention
from abreast.evaluation.safety.safety_checks import safety_figures
from abreast.evaluation.session import EvaluatedModels, EvaluationSession, ModelAnswers
from abreast.inference.load import load_predictors
from abreast.knowledge.snapshot import load_snapshot
from abreast.learning.model_folder import verify
from abreast.reports.metrics import BASE, CANDIDATE, CHAMPION, IN_CONTEXT, MODELS
from abreast.reports.reports import write_reports

REPORTS = Path("reports")


def main() -> None:
    """Evaluate in the current folder."""
    print(use_free_cores(), flush=True)
    params = load_params(Path())
    planned, examples = read_questions(Path("data/questions.jsonl")), read_examples(Path("data/train.jsonl"))
    general, unrelated = read_knob_file(params.evaluate, "general_text"), read_unrelated(params.evaluate)
    models = load_models(params)
    session, questions, stopped = EvaluationSession(planned, general, params), planned, None
    if params.evaluate.early_stopping:
        stage.progress("evaluate", 0, len(models.names), "asking until the gates are settled")
        questions, stopped = ask_in_blocks(session, planned, models, params)
        session = session.with_questions(questions)
    by_model = _ask_all(session, models, examples, params)
    asked, answers = split_answers(questions, by_model, text=False)
    robustness = robustness_by_model(models, asked, answers, params.evaluate)
    reports = collect_reports(questions, by_model, robustness, params.evaluate)
    metrics = reports.metrics.model_copy(update={"planned": counts_by_scope(planned)})
    triggers = params.evaluate.triggers
    figures = safety_figures(models.predictors[CANDIDATE], asked, answers[CANDIDATE], examples, triggers)
    figures |= locality(session, models, unrelated) | mistyped_figure(asked, robustness)
    write_reports(REPORTS, reports.model_copy(update={"metrics": metrics, "figures": figures, "stopped": stopped}))
    plot_retention(reports.by_drop, REPORTS / "retention.png")


def load_models(params: Params) -> EvaluatedModels:
    """The base, the candidate and the champion, if there is one.

    Raises:
        AbreastError: a model folder is damaged, or does not belong to the base.
    """
    snapshot = load_snapshot(Path())
    folders = {BASE: None, CANDIDATE: Path("model")}
    if snapshot.parent is not None:
        verify(snapshot.parent.model, snapshot.parent.digest)
        folders[CHAMPION] = snapshot.parent.model
    return EvaluatedModels(load_predictors(folders, params.model, params.evaluate), folders)


def _ask_all(
    session: EvaluationSession, models: EvaluatedModels, examples: Sequence[Example], params: Params
) -> dict[str, ModelAnswers]:
    """The answers by model."""
    by_model, names = {}, [name for name in MODELS if name in models.names]
    for done, name in enumerate(names):
        stage.progress("evaluate", done, len(names), f"asking the {name}")
        by_model[name] = session.answers_of(models, name)
    if params.evaluate.in_context_examples:
        stage.progress("evaluate", len(names), len(names), "asking the base with examples")
        by_model[IN_CONTEXT] = session.answers_with_examples(models, by_model[BASE], examples)
    return by_model


if __name__ == "__main__":
    stage.run(main)
