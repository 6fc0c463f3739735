"""Stage `split`: training examples, new and replayed, and held-out questions.

Facts are held out by phrasing: training uses the phrasings of `train`, development and test use others. Other records
are held out whole: 10 % for the test, 5 % for development (`held_out`). Only the current value of a key is ever
trained on.
"""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from abreast.core import stage
from abreast.core.errors import AbreastError
from abreast.core.files import write_text
from abreast.core.settings import Knowledge, QuestionForm, Split, load_params
from abreast.dataset.examples import Example, Question, write_jsonl
from abreast.dataset.fact_augmentation import DIRECT, Pair, augmented_questions
from abreast.dataset.held_out import Use, rows_for_use
from abreast.dataset.loss_table import read_losses
from abreast.dataset.paraphrase import paraphrases
from abreast.dataset.render import answer_of, phrasings_of, plain_rows
from abreast.dataset.replay import Losses, select_replay
from abreast.dataset.replay_groups import DIRECT_ANSWER_KINDS, replay_budget
from abreast.dataset.sampling import fixed_sample
from abreast.dataset.templates import Templates, load_templates, pick_phrasings
from abreast.knowledge.assemble import CHANGES, KNOWLEDGE
from abreast.knowledge.knowledge_base import latest_rows, read_base, superseded_values, valid_rows
from abreast.knowledge.snapshot import load_snapshot

TRAIN = Path("data/train.jsonl")
DEV = Path("data/dev.jsonl")
QUESTIONS = Path("data/questions.jsonl")
REPORT = Path("reports/split.json")

Role = Literal["new", "replayed"]

DEV_NEW = 48
DEV_OLD = 32


def main() -> None:
    """Read knowledge and changes; write examples, questions and counts."""
    params = load_params(Path())
    templates = _templates(params.knowledge)
    base, changes = read_base(KNOWLEDGE), read_base(CHANGES)
    parent = load_snapshot(Path()).parent
    losses = read_losses(parent.carried_state) if parent and params.split.replay == "prioritized" else None
    examples = training_examples(base, changes, templates, params.split, losses, params.knowledge.question_forms)
    dev, questions = held_out_questions(base, changes, templates, params.split)
    write_jsonl(TRAIN, examples, crash_after="split.examples")
    write_jsonl(DEV, dev)
    write_jsonl(QUESTIONS, questions)
    write_text(REPORT, json.dumps(split_counts(examples, dev, questions), indent=1) + "\n")


def training_examples(
    base: pd.DataFrame,
    changes: pd.DataFrame,
    templates: Templates,
    split: Split,
    losses: Losses | None = None,
    forms: Sequence[QuestionForm] = (DIRECT,),
) -> list[Example]:
    """Every training phrasing of each changed record, and some phrasings of as many unchanged records as fit.

    Args:
        losses: the losses of the parent model, for `split.replay: prioritized`.
        forms: the knob `knowledge.question_forms`: a changed fact gets all its questions of the further forms, a
            replayed one gets one of them, in turn.
    """
    new = rows_for_use(changes, "train")
    old = rows_for_use(_unchanged(base, changes), "train")
    turn = base["drop"].nunique()
    augmented = augmented_questions(base, new, templates, forms)
    examples = []
    for row in plain_rows(new):
        phrasings = range(len(phrasings_of(row, templates).train))
        examples += _examples(row, templates, "new", phrasings)
        examples += _augmented_examples(row, "new", augmented, None)
    count, each = replay_budget(max(round(split.replay_ratio * len(examples)), split.replay_min), len(old))
    replayed = select_replay(split.replay, old, count, turn, split.seed, losses)
    augmented = augmented_questions(base, replayed, templates, forms)
    for row in plain_rows(replayed):
        examples += _examples(row, templates, "replayed", range(turn * each, (turn + 1) * each))
        examples += _augmented_examples(row, "replayed", augmented, turn)
    return examples


def held_out_questions(
    base: pd.DataFrame, changes: pd.DataFrame, templates: Templates, split: Split
) -> tuple[list[Question], list[Question]]:
    """Development and test questions, in phrasings or on records that are never trained on.

    In the test a fact is asked in as many phrasings as the knob allows: with few facts, one phrasing would be too few
    questions.
    """
    old = _unchanged(base, changes)
    dev_new = fixed_sample(rows_for_use(changes, "dev"), DEV_NEW, f"{split.seed} dev")
    dev_old = fixed_sample(rows_for_use(old, "dev"), DEV_OLD, f"{split.seed} dev")
    current = fixed_sample(rows_for_use(changes, "test"), split.current_questions, f"{split.seed} test")
    retained = fixed_sample(rows_for_use(old, "test"), split.retained_questions, f"{split.seed} test")
    dev = _questions(base, dev_new, "current", "dev", templates) + _questions(
        base, dev_old, "retained", "dev", templates
    )
    test = _questions(base, current, "current", "test", templates, split.current_questions)
    return dev, test + _questions(base, retained, "retained", "test", templates, split.retained_questions)


def split_counts(examples: list[Example], dev: list[Question], questions: list[Question]) -> dict[str, int]:
    """The counts of the split; a key counts once, an example once for each phrasing."""
    return {
        "new_keys": len({e.key for e in examples if e.role == "new"}),
        "new_examples": sum(e.role == "new" for e in examples),
        "replayed_keys": len({e.key for e in examples if e.role == "replayed"}),
        "replayed_examples": sum(e.role == "replayed" for e in examples),
        "dev_questions": len(dev),
        "current_questions": sum(q.scope == "current" for q in questions),
        "retained_questions": sum(q.scope == "retained" for q in questions),
        "questions_with_stale": sum(bool(q.stale) for q in questions),
    }


def _templates(knowledge: Knowledge) -> Templates:
    """The user's phrasings, with paraphrases if the user gives a command for them."""
    templates = load_templates(Path(knowledge.templates))
    if knowledge.paraphrase_command is None:
        return templates
    lines = [text for text in templates.train_phrasings() if "\n" not in text]
    widened = templates.extended(paraphrases(lines, knowledge.paraphrase_command))
    if (added := len(widened.train_phrasings()) - len(templates.train_phrasings())) == 0:
        raise AbreastError(
            f"knowledge.paraphrase_command: {knowledge.paraphrase_command!r} made no new phrasing that keeps its "
            "placeholders"
        )
    print(f"knowledge.paraphrase_command: {added} further phrasings of {len(templates.train_phrasings())}", flush=True)
    return widened


def _unchanged(base: pd.DataFrame, changes: pd.DataFrame) -> pd.DataFrame:
    """The records that held before this snapshot and still hold."""
    still = valid_rows(base)
    return still[~still["id"].isin(changes["id"])]


def _examples(row: dict[str, Any], templates: Templates, role: Role, phrasings: range) -> list[Example]:
    """One example for each phrasing number, modulo the number of phrasings."""
    texts, answer = phrasings_of(row, templates).train, answer_of(row, templates)
    numbers = dict.fromkeys(n % len(texts) for n in phrasings)
    return [_example(row, role, f"{row['id']}-{number}", texts[number], answer) for number in numbers]


def _augmented_examples(
    row: dict[str, Any], role: Role, augmented: dict[str, list[Pair]], turn: int | None
) -> list[Example]:
    """One example for each augmented question of a row; with a turn, for one of them only."""
    pairs = list(enumerate(augmented.get(row["id"], ())))
    if pairs and turn is not None:
        pairs = [pairs[turn % len(pairs)]]
    return [_example(row, role, f"{row['id']}-further-{number}", *pair) for number, pair in pairs]


def _example(row: dict[str, Any], role: Role, name: str, question: str, answer: str) -> Example:
    return Example(
        id=name,
        key=row["name"],
        kind=row["kind"],
        domain=row["domain"] or "",
        drop=row["drop"],
        role=role,
        question=question,
        answer=answer,
    )


def _questions(
    base: pd.DataFrame,
    rows: pd.DataFrame,
    scope: Literal["current", "retained"],
    use: Use,
    templates: Templates,
    limit: int = 0,
) -> list[Question]:
    """The same number of questions on each row: one, or as many as keep the total within `limit`."""
    stale = _stale(base, rows, templates)
    each = max(1, limit // max(1, len(rows)))
    return [
        Question(
            id=f"{row['id']}-{use}" + (f"-{number}" if number else ""),
            key=row["name"],
            kind=row["kind"],
            domain=row["domain"] or "",
            source=row["source"] or "",
            drop=row["drop"],
            drop_name=row["drop_name"],
            arrived_at=row["arrived_at"],
            scope=scope,
            question=question,
            answer=answer_of(row, templates),
            stale=tuple(stale.get(row["name"], ())),
        )
        for row in plain_rows(rows)
        for number, question in enumerate(pick_phrasings(getattr(phrasings_of(row, templates), use), row["name"], each))
    ]


def _stale(base: pd.DataFrame, rows: pd.DataFrame, templates: Templates) -> dict[str, list[str]]:
    """For each key its former answers that differ from the current one; raw text has no question, so it has none."""
    keyed = rows[rows["key"].notna() & (rows["kind"] != "text")]
    stale = superseded_values(base, keyed["key"])
    history = base[base["key"].isin(list(keyed["key"]))]
    rendered = history[history["key"].isin(history.loc[~history["kind"].isin(DIRECT_ANSWER_KINDS), "key"])]
    present = {row["key"]: answer_of(row, templates) for row in plain_rows(latest_rows(rendered))}
    stale |= {key: [] for key in present}
    for row in plain_rows(rendered[rendered["valid_until"].notna() & ~rendered["withdrawn"]]):
        former = answer_of(row, templates)
        if row["kind"] != "text" and former not in (present[row["key"]], *stale[row["key"]]):
            stale[row["key"]].append(former)
    return stale


if __name__ == "__main__":
    stage.run(main)
