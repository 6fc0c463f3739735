"""What is compared: texts and their groups, of rows of the knowledge base or of questions that were logged."""

from collections.abc import Iterable
from typing import NamedTuple

import pandas as pd

from abreast.dataset.render import phrasings_of, plain_rows
from abreast.dataset.sampling import fixed_sample
from abreast.dataset.templates import Templates, pick
from abreast.knowledge.knowledge_base import valid


class Sample(NamedTuple):
    """Texts, and for each way to group (`kind`, `domain`, `label`) the group of each text that has one."""

    texts: list[str]
    groups: dict[str, list[str]]


def of_rows(rows: pd.DataFrame, templates: Templates, most: int, salt: str) -> Sample:
    """At most `most` of the rows that hold now, each as the question on it; raw text as it is.

    Of the phrasings of a fact one is taken, by its key: which one does not depend on what else is there.
    """
    texts, groups = [], {"kind": [], "domain": [], "label": []}
    for row in plain_rows(fixed_sample(valid(rows), most, salt)):
        raw = row["kind"] == "text"
        texts.append(row["attributes"]["text"] if raw else pick(phrasings_of(row, templates).train, row["name"])[0])
        groups["kind"].append(row["kind"])
        groups["domain"].append(row["domain"] or "none")
        if "label" in row["attributes"]:
            groups["label"].append(row["attributes"]["label"])
    return Sample(texts, groups)


def of_questions(questions: Iterable[str]) -> Sample:
    """Questions that were logged: nothing but their texts is known."""
    return Sample(list(questions), {})
