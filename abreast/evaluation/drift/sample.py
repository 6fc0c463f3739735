"""A sample to compare: texts and their groups, from rows of the knowledge base or from logged questions."""

from collections.abc import Iterable
from typing import NamedTuple

import pandas as pd

from abreast.dataset.render import phrasings_of, plain_rows
from abreast.dataset.sampling import fixed_sample
from abreast.dataset.templates import Templates, pick_phrasings
from abreast.knowledge.knowledge_base import valid_rows


class TextSample(NamedTuple):
    """Texts, and for each grouping (`kind`, `domain`, `label`) the group of each text that has one."""

    texts: list[str]
    groups: dict[str, list[str]]


def sample_of_rows(rows: pd.DataFrame, templates: Templates, most: int, salt: str) -> TextSample:
    """At most `most` of the currently valid rows, each as a question about it; raw text stays as it is.

    The key of a fact alone decides which of its phrasings is used.
    """
    texts, groups = [], {"kind": [], "domain": [], "label": []}
    for row in plain_rows(fixed_sample(valid_rows(rows), most, salt)):
        raw = row["kind"] == "text"
        texts.append(
            row["attributes"]["text"] if raw else pick_phrasings(phrasings_of(row, templates).train, row["name"])[0]
        )
        groups["kind"].append(row["kind"])
        groups["domain"].append(row["domain"] or "none")
        if "label" in row["attributes"]:
            groups["label"].append(row["attributes"]["label"])
    return TextSample(texts, groups)


def sample_of_questions(questions: Iterable[str]) -> TextSample:
    """Logged questions: only their texts are known."""
    return TextSample(list(questions), {})
