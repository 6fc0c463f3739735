"""What each version answered when it was made: `reports/answers.jsonl` of its run in MLflow."""

from abreast.reports.answers import ANSWERS, QuestionResult, parse_answers
from abreast.tracking.registry import Registry


def answers_of(registry: Registry, version: int) -> tuple[QuestionResult, ...]:
    """All questions that version `version` was asked when it was judged.

    Raises:
        AbreastError: the file is damaged; and as `Registry.report` does.
    """
    return parse_answers(registry.report(version, ANSWERS), f"reports/{ANSWERS} of v{version} in MLflow")
