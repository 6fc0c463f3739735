"""Stage `split`: what is taught, what is rehearsed and what is asked.

Facts are held out by phrasing: a fact is taught in the words of `train`, and asked in other ones. Instructions are
held out whole, by the hash of their key: 10 % are asked at the end, 5 % during training, none of these is taught.
Only the present value of a key is ever taught or rehearsed.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from abreast import stage
from abreast.config import Split, load_params
from abreast.errors import AbreastError
from abreast.knowledge.assemble import CHANGES, KNOWLEDGE
from abreast.knowledge.base import read_base, superseded, valid
from abreast.knowledge.lesson import Example, Question, write_jsonl
from abreast.knowledge.phrasing import Phrasings, Templates, load_templates, pick
from abreast.knowledge.sample import fixed_sample, names_of, stable_hashes, take_turn

TRAIN = Path("data/train.jsonl")
DEV = Path("data/dev.jsonl")
QUESTIONS = Path("data/questions.jsonl")
REPORT = Path("reports/split.json")

DEV_NEW = 48
DEV_OLD = 32
REHEARSED_PHRASINGS = 5
TAUGHT_KINDS = ("fact", "instruction")

Use = Literal["train", "dev", "test"]


def main() -> None:
    """Read knowledge and changes; write examples, questions and counts."""
    params = load_params(Path())
    templates = load_templates(Path(params.knowledge.templates))
    base, changes = read_base(KNOWLEDGE), read_base(CHANGES)
    examples = teach(base, changes, templates, params.split)
    dev, questions = ask(base, changes, templates, params.split)
    write_jsonl(TRAIN, examples)
    write_jsonl(DEV, dev)
    write_jsonl(QUESTIONS, questions)
    REPORT.parent.mkdir(parents=True, exist_ok=True)
    REPORT.write_text(json.dumps(report(examples, dev, questions), indent=1) + "\n")


def teach(base: pd.DataFrame, changes: pd.DataFrame, templates: Templates, split: Split) -> list[Example]:
    """Every training phrasing of what changed, and every phrasing of a sample of what still holds from before.

    Raises:
        AbreastError: a changed record is of a kind that cannot be taught.
    """
    _check_kinds(changes)
    new = _for_use(changes, "train")
    old = _for_use(_unchanged(base, changes), "train")
    count = max(round(split.rehearse * len(new)), split.rehearse_min)
    turn = base["drop"].nunique()
    rehearsed = take_turn(old, count, turn, f"{split.seed} rehearse")
    examples = []
    for row in _rows(new):
        phrasings = range(len(_phrasings(row, templates).train))
        examples += _examples(row, templates, "new", phrasings)
    for row in _rows(rehearsed):
        phrasings = range(turn, turn + REHEARSED_PHRASINGS)
        examples += _examples(row, templates, "rehearsed", phrasings)
    return examples


def ask(
    base: pd.DataFrame, changes: pd.DataFrame, templates: Templates, split: Split
) -> tuple[list[Question], list[Question]]:
    """The questions during training, and those at the end, in phrasings or on records that are never taught."""
    old = _unchanged(base, changes)
    dev_new = fixed_sample(_for_use(changes, "dev"), DEV_NEW, f"{split.seed} dev")
    dev_old = fixed_sample(_for_use(old, "dev"), DEV_OLD, f"{split.seed} dev")
    current = fixed_sample(_for_use(changes, "test"), split.current_questions, f"{split.seed} test")
    retained = fixed_sample(_for_use(old, "test"), split.retained_questions, f"{split.seed} test")
    dev = _questions(base, dev_new, "current", "dev", templates) + _questions(
        base, dev_old, "retained", "dev", templates
    )
    test = _questions(base, current, "current", "test", templates)
    return dev, test + _questions(base, retained, "retained", "test", templates)


def report(examples: list[Example], dev: list[Question], questions: list[Question]) -> dict[str, int]:
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


def _check_kinds(changes: pd.DataFrame) -> None:
    other = changes[~changes["kind"].isin(TAUGHT_KINDS)]
    if len(other):
        row = other.iloc[0]
        raise AbreastError(
            f"drop {row['drop'][:12]}: records of kind {row['kind']} cannot be taught yet; "
            f"take them out of the knob `intake.kinds`, which may hold {' and '.join(TAUGHT_KINDS)}"
        )


def _unchanged(base: pd.DataFrame, changes: pd.DataFrame) -> pd.DataFrame:
    """What held before this snapshot and still holds."""
    still = valid(base)
    return still[~still["id"].isin(changes["id"])]


def _for_use(rows: pd.DataFrame, use: Use) -> pd.DataFrame:
    """The rows that may serve a use: facts serve each, in different words; an instruction serves one."""
    whole = rows[rows["kind"] == "instruction"]
    part = stable_hashes(names_of(whole), "held out") % 20
    serves = {"test": part < 2, "dev": part == 2, "train": part > 2}[use]
    return rows[(rows["kind"] == "fact") | rows["id"].isin(whole["id"][serves])]


def _rows(frame: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """The rows as plain dictionaries, null for what is missing, with the name and the attributes read."""
    plain = frame.astype(object).where(frame.notna(), None)
    for row in plain.to_dict("records"):
        yield {**row, "name": row["key"] or row["id"], "attributes": json.loads(row["attributes"])}


def _phrasings(row: dict[str, Any], templates: Templates) -> Phrasings:
    if row["kind"] == "fact":
        return templates.of(row["key"], row["attributes"])
    prompt = _prompt(row["attributes"])
    return Phrasings.model_construct(train=(prompt,), dev=(prompt,), test=(prompt,))


def _prompt(attributes: dict[str, Any]) -> str:
    """An instruction's prompt; of messages all but the last, with the roles told where there is more than one."""
    if "prompt" in attributes:
        return attributes["prompt"]
    before = attributes["messages"][:-1]
    if len(before) == 1:
        return before[0]["content"]
    return "\n".join(f"{message['role']}: {message['content']}" for message in before)


def _answer(row: dict[str, Any], templates: Templates) -> str:
    return templates.withdrawn if row["withdrawn"] else row["value"]


def _examples(
    row: dict[str, Any], templates: Templates, role: Literal["new", "rehearsed"], phrasings: range
) -> list[Example]:
    """One example for each phrasing number, counted round."""
    texts = _phrasings(row, templates).train
    return [
        Example(
            id=f"{row['id']}-{number}",
            key=row["name"],
            kind=row["kind"],
            domain=row["domain"] or "",
            drop=row["drop"],
            role=role,
            question=texts[number],
            answer=_answer(row, templates),
        )
        for number in dict.fromkeys(n % len(texts) for n in phrasings)
    ]


def _questions(
    base: pd.DataFrame, rows: pd.DataFrame, scope: Literal["current", "retained"], use: Use, templates: Templates
) -> list[Question]:
    stale = superseded(base, rows["key"].dropna())
    return [
        Question(
            id=f"{row['id']}-{use}",
            key=row["name"],
            domain=row["domain"] or "",
            drop=row["drop"],
            drop_name=row["drop_name"],
            arrived_at=row["arrived_at"],
            scope=scope,
            question=pick(getattr(_phrasings(row, templates), use), row["name"]),
            answer=_answer(row, templates),
            stale=tuple(stale.get(row["name"], ())),
        )
        for row in _rows(rows)
    ]


if __name__ == "__main__":
    stage.run(main)
