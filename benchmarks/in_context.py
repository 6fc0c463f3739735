"""In-context learning in place of the stages train and evaluate: nothing is trained, examples precede the question.

The untrained base is asked what `data/questions.jsonl` asks. Before each question stand the nearest examples of all
that holds and may be taught, the nearest last: KATE (Liu et al. 2021, arXiv:2101.06804), with TF-IDF over letters in
place of sentence embeddings. Out: reports/metrics.json and reports/retention.csv, with this as the candidate.
"""

import argparse
import csv
import json
from collections.abc import Sequence
from pathlib import Path

from abreast import stage
from abreast.config import Params, load_params
from abreast.evaluation.answer import load_answerers
from abreast.evaluation.kinds import counts_of, measure_kinds
from abreast.evaluation.metrics import is_right, measure
from abreast.evaluation.tables import by_drop
from abreast.knowledge.assemble import KNOWLEDGE
from abreast.knowledge.base import read_base, valid
from abreast.knowledge.held_out import for_use
from abreast.knowledge.lesson import Question, read_questions
from abreast.knowledge.phrasing import load_templates
from abreast.knowledge.split import QUESTIONS
from abreast.knowledge.wording import answer_of, phrasings_of, plain_rows
from abreast.learning.prompt import PLACE

SHOTS = 5

Shot = tuple[str, str]
"""A question and its answer."""


def nearest(known: Sequence[Sequence[Shot]], questions: Sequence[str], count: int) -> list[list[Shot]]:
    """For each question the `count` nearest records, each in its nearest phrasing, the nearest last.

    Args:
        known: the phrasings of each record, in no order.
    """
    import numpy as np
    from sklearn.feature_extraction.text import TfidfVectorizer

    shots = [shot for record in known for shot in record]
    owner = [number for number, record in enumerate(known) for _ in record]
    if not shots:
        return [[] for _ in questions]
    vectors = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4))
    texts = vectors.fit_transform(asked for asked, _ in shots)
    likeness = (vectors.transform(questions) @ texts.T).toarray()
    found = []
    for order in np.argsort(-likeness, axis=1, kind="stable"):
        picked: dict[int, Shot] = {}
        for number in order:
            if len(picked) == count:
                break
            picked.setdefault(owner[number], shots[number])
        found.append([*picked.values()][::-1])
    return found


def put_before(shots: Sequence[Shot], question: str, prompt: str) -> str:
    """What `prompt` must wrap so that it reads: each shot in the same prompt with its answer, then the question."""
    before, after = prompt.split(PLACE, 1)
    told = [f"{asked}{after} {answer}" for asked, answer in shots]
    return f"\n\n{before}".join([*told, question])


def first_line(answer: str) -> str:
    """An answer ends where the line does: a base that was shown examples goes on to make up the next one."""
    return answer.split("\n")[0].strip()


def main(arguments: Sequence[str] | None = None) -> None:
    """Ask in the current folder; `arguments` are those of the command line if left out."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shots", type=int, default=SHOTS)
    count = parser.parse_args(arguments).shots
    params = load_params(Path())
    templates = load_templates(Path(params.knowledge.templates))
    taught = for_use(valid(read_base(KNOWLEDGE)), "train")
    known = [
        [(asked, answer_of(r, templates)) for asked in phrasings_of(r, templates).train] for r in plain_rows(taught)
    ]
    questions = [question for question in read_questions(QUESTIONS) if question.kind != "text"]
    shots = nearest(known, [question.question for question in questions], count)
    asked = [put_before(s, q.question, params.model.prompt) for s, q in zip(shots, questions, strict=True)]
    base = load_answerers({"base": None}, params.model, params.evaluate)["base"]
    answers = [first_line(said) for said in base.answer(asked, [(question.answer,) for question in questions])]
    write_reports(questions, answers, base.perplexity(Path(params.evaluate.general_text).read_text("utf-8")), params)


def write_reports(questions: list[Question], answers: list[str], perplexity: float, params: Params) -> None:
    """The reports that the benchmark reads; the base without examples is in them with its perplexity alone."""
    tolerance, reports = params.evaluate.tolerance, Path("reports")
    kinds = measure_kinds(questions, answers, tolerance)
    counts = counts_of(questions)
    metrics = {
        "candidate": measure(questions, answers, perplexity, tolerance),
        "champion": None,
        "base": {"general_perplexity": perplexity},
        "counts": {scope: sum(held[scope] for held in counts.values()) for scope in ("current", "retained")},
        "by_kind": {kind: {"counts": counts[kind], "candidate": held} for kind, held in kinds.items()},
    }
    (reports / "metrics.json").write_text(json.dumps(metrics, indent=1) + "\n")
    right = [is_right(question, answer, tolerance) for question, answer in zip(questions, answers, strict=True)]
    rows = by_drop(questions, {"base": None, "champion": None, "candidate": right})
    with (reports / "retention.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    stage.run(main)
