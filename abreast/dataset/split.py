"""Stage `split`: what is taught, what is rehearsed and what is asked.

Facts are held out by phrasing: a fact is taught in the words of `train`, and asked in other ones. All other records
are held out whole: 10 % are asked at the end, 5 % during training, none of these is taught (`held_out`). Only the
present value of a key is ever taught or rehearsed.
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
from abreast.dataset.fact_augmentation import DIRECT, Pair, other_ways
from abreast.dataset.held_out import Use, for_use
from abreast.dataset.paraphrase import paraphrases
from abreast.dataset.prioritized_replay import read_losses
from abreast.dataset.render import answer_of, phrasings_of, plain_rows
from abreast.dataset.replay import Losses, replay
from abreast.dataset.replay_selection import PLAIN, spread
from abreast.dataset.sampling import fixed_sample
from abreast.dataset.templates import Templates, load_templates, pick
from abreast.knowledge.assemble import CHANGES, KNOWLEDGE
from abreast.knowledge.knowledge_base import latest_rows, read_base, superseded_values, valid_rows
from abreast.knowledge.snapshot import load_snapshot

TRAIN = Path("data/train.jsonl")
DEV = Path("data/dev.jsonl")
QUESTIONS = Path("data/questions.jsonl")
REPORT = Path("reports/split.json")

Role = Literal["new", "rehearsed"]

DEV_NEW = 48
DEV_OLD = 32


def main() -> None:
    """Read knowledge and changes; write examples, questions and counts."""
    params = load_params(Path())
    templates = _templates(params.knowledge)
    base, changes = read_base(KNOWLEDGE), read_base(CHANGES)
    parent = load_snapshot(Path()).parent
    losses = read_losses(parent.memory) if parent and params.split.replay == "prioritized" else None
    examples = teach(base, changes, templates, params.split, losses, params.knowledge.question_forms)
    dev, questions = ask(base, changes, templates, params.split)
    write_jsonl(TRAIN, examples, crash_after="split.examples")
    write_jsonl(DEV, dev)
    write_jsonl(QUESTIONS, questions)
    write_text(REPORT, json.dumps(split_counts(examples, dev, questions), indent=1) + "\n")


def teach(
    base: pd.DataFrame,
    changes: pd.DataFrame,
    templates: Templates,
    split: Split,
    losses: Losses | None = None,
    ways: Sequence[QuestionForm] = (DIRECT,),
) -> list[Example]:
    """Every training phrasing of what changed, and some of as much as can be of what still holds from before.

    Args:
        losses: how badly the parent answers, for `split.replay: prioritized`.
        ways: the knob `knowledge.question_forms`: in further ways, all that there is of what changed, one by turns of
            the rest.
    """
    new = for_use(changes, "train")
    old = for_use(_unchanged(base, changes), "train")
    turn = base["drop"].nunique()
    more = other_ways(base, new, templates, ways)
    examples = []
    for row in plain_rows(new):
        phrasings = range(len(phrasings_of(row, templates).train))
        examples += _examples(row, templates, "new", phrasings)
        examples += _further(row, "new", more, None)
    count, each = spread(max(round(split.replay_ratio * len(examples)), split.replay_min), len(old))
    rehearsed = replay(split.replay, old, count, turn, split.seed, losses)
    more = other_ways(base, rehearsed, templates, ways)
    for row in plain_rows(rehearsed):
        examples += _examples(row, templates, "rehearsed", range(turn * each, (turn + 1) * each))
        examples += _further(row, "rehearsed", more, turn)
    return examples


def ask(
    base: pd.DataFrame, changes: pd.DataFrame, templates: Templates, split: Split
) -> tuple[list[Question], list[Question]]:
    """The questions during training, and those at the end, in phrasings or on records that are never taught.

    At the end a fact is asked in as many phrasings as fit into the knob: few facts would tell too little.
    """
    old = _unchanged(base, changes)
    dev_new = fixed_sample(for_use(changes, "dev"), DEV_NEW, f"{split.seed} dev")
    dev_old = fixed_sample(for_use(old, "dev"), DEV_OLD, f"{split.seed} dev")
    current = fixed_sample(for_use(changes, "test"), split.current_questions, f"{split.seed} test")
    retained = fixed_sample(for_use(old, "test"), split.retained_questions, f"{split.seed} test")
    dev = _questions(base, dev_new, "current", "dev", templates) + _questions(
        base, dev_old, "retained", "dev", templates
    )
    test = _questions(base, current, "current", "test", templates, split.current_questions)
    return dev, test + _questions(base, retained, "retained", "test", templates, split.retained_questions)


def split_counts(examples: list[Example], dev: list[Question], questions: list[Question]) -> dict[str, int]:
    """The split in numbers; keys are counted once, examples once for each phrasing."""
    return {
        "new_keys": len({e.key for e in examples if e.role == "new"}),
        "new_examples": sum(e.role == "new" for e in examples),
        "rehearsed_keys": len({e.key for e in examples if e.role == "rehearsed"}),
        "rehearsed_examples": sum(e.role == "rehearsed" for e in examples),
        "dev_questions": len(dev),
        "current_questions": sum(q.scope == "current" for q in questions),
        "retained_questions": sum(q.scope == "retained" for q in questions),
        "questions_with_stale": sum(bool(q.stale) for q in questions),
    }


def _templates(knowledge: Knowledge) -> Templates:
    """The user's phrasings, and what the user's command makes of them."""
    templates = load_templates(Path(knowledge.templates))
    if knowledge.paraphrase_command is None:
        return templates
    lines = [text for text in templates.taught() if "\n" not in text]
    widened = templates.widened(paraphrases(lines, knowledge.paraphrase_command))
    if (added := len(widened.taught()) - len(templates.taught())) == 0:
        raise AbreastError(
            f"knowledge.paraphrase_command: {knowledge.paraphrase_command!r} made no new phrasing that keeps its "
            "placeholders"
        )
    print(f"knowledge.paraphrase_command: {added} further phrasings of {len(templates.taught())}", flush=True)
    return widened


def _unchanged(base: pd.DataFrame, changes: pd.DataFrame) -> pd.DataFrame:
    """What held before this snapshot and still holds."""
    still = valid_rows(base)
    return still[~still["id"].isin(changes["id"])]


def _examples(row: dict[str, Any], templates: Templates, role: Role, phrasings: range) -> list[Example]:
    """One example for each phrasing number, counted round."""
    texts, answer = phrasings_of(row, templates).train, answer_of(row, templates)
    numbers = dict.fromkeys(n % len(texts) for n in phrasings)
    return [_example(row, role, f"{row['id']}-{number}", texts[number], answer) for number in numbers]


def _further(row: dict[str, Any], role: Role, more: dict[str, list[Pair]], turn: int | None) -> list[Example]:
    """One example for each further question of a row; with a turn, for one of them."""
    pairs = list(enumerate(more.get(row["id"], ())))
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
    """One question on each row, and further ones for as long as all of them stay within `limit`."""
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
        for number, question in enumerate(pick(getattr(phrasings_of(row, templates), use), row["name"], each))
    ]


def _stale(base: pd.DataFrame, rows: pd.DataFrame, templates: Templates) -> dict[str, list[str]]:
    """For each key its former answers that differ from the present one; raw text is not asked, so it has none."""
    keyed = rows[rows["key"].notna() & (rows["kind"] != "text")]
    stale = superseded_values(base, keyed["key"])
    history = base[base["key"].isin(list(keyed["key"]))]
    worded = history[history["key"].isin(history.loc[~history["kind"].isin(PLAIN), "key"])]
    present = {row["key"]: answer_of(row, templates) for row in plain_rows(latest_rows(worded))}
    stale |= {key: [] for key in present}
    for row in plain_rows(worded[worded["valid_until"].notna() & ~worded["withdrawn"]]):
        former = answer_of(row, templates)
        if row["kind"] != "text" and former not in (present[row["key"]], *stale[row["key"]]):
            stale[row["key"]].append(former)
    return stale


if __name__ == "__main__":
    stage.run(main)
