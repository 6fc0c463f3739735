"""Rendering a record into question and answer: text to text, whatever the kind.

After T5 (Raffel et al. 2020, arXiv:1910.10683), in which labels and numbers are text as well: new records
may bring new labels, and no part of a model belongs to a kind. A row is one of `plain_rows`.
"""

import json
from collections.abc import Iterator
from typing import Any

import pandas as pd

from abreast.dataset.number_answer import number_answer
from abreast.dataset.span_answer import join_tokens, span_answer
from abreast.dataset.templates import Phrasings, Templates


def plain_rows(frame: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Rows of the knowledge base as plain dictionaries, None for missing values, with the attributes parsed."""
    plain = frame.astype(object).where(frame.notna(), None)
    for row in plain.to_dict("records"):
        yield {**row, "name": row["key"] or row["id"], "attributes": json.loads(row["attributes"])}


def phrasings_of(row: dict[str, Any], templates: Templates) -> Phrasings:
    """The phrasings of a record: a fact has several, any other record only its own question."""
    if row["kind"] == "fact":
        return templates.of(row["key"], row["attributes"])
    asked = question_of(row["kind"], row["attributes"])
    return Phrasings.model_construct(train=(asked,), dev=(asked,), test=(asked,))


def question_of(kind: str, attributes: dict[str, Any]) -> str:
    """The question in a record that is no fact; empty for raw text."""
    if kind == "text":
        return ""
    if kind == "tagging":
        return join_tokens(attributes["tokens"])
    return attributes["text"] if "text" in attributes else _prompt(attributes)


def answer_of(row: dict[str, Any], templates: Templates) -> str:
    """The correct answer; for raw text the text itself."""
    attributes = row["attributes"]
    if row["withdrawn"]:
        return templates.withdrawn
    match row["kind"]:
        case "classification":
            return attributes["label"]
        case "tagging":
            return span_answer(attributes["tokens"], attributes["tags"])
        case "regression":
            return number_answer(attributes["target"])
        case "text":
            return attributes["text"]
        case _:
            return row["value"]


def _prompt(attributes: dict[str, Any]) -> str:
    """An instruction's prompt; of messages all but the last, with their roles if there is more than one."""
    if "prompt" in attributes:
        return attributes["prompt"]
    before = attributes["messages"][:-1]
    if len(before) == 1:
        return before[0]["content"]
    return "\n".join(f"{message['role']}: {message['content']}" for message in before)
