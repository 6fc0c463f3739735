"""Which records are held out: decided by their own content alone, so always the same ones."""

import json
import unicodedata
from typing import Literal

import pandas as pd

from abreast.dataset.render import question_of
from abreast.dataset.sampling import stable_hashes

Use = Literal["train", "dev", "test"]


def rows_for_use(rows: pd.DataFrame, use: Use) -> pd.DataFrame:
    """The rows for one use: a fact serves every use, in different words; any other record serves exactly one.

    Of all other records, 10 % are for the final test and 5 % for development; neither is ever trained on. The hash of
    the key decides. For a record without a key it is the hash of the letters and digits of its text: texts that differ
    only in case, width, spacing or punctuation, in whatever drop and with whatever label, get the same use; texts that
    differ in a word need not.
    """
    whole = rows[rows["kind"] != "fact"]
    part = stable_hashes([_name(*row) for row in _columns(whole)], "held out") % 20
    serves = {"test": part < 2, "dev": part == 2, "train": part > 2}[use]
    return rows[(rows["kind"] == "fact") | rows["id"].isin(whole["id"][serves])]


def _columns(rows: pd.DataFrame) -> zip:
    return zip(rows["kind"], rows["key"].where(rows["key"].notna(), None), rows["attributes"], strict=True)


def _name(kind: str, key: str | None, attributes: str) -> str:
    if isinstance(key, str):
        return key
    read = json.loads(attributes)
    text = read["text"] if kind == "text" else question_of(kind, read)
    return "".join(filter(str.isalnum, unicodedata.normalize("NFKC", text).casefold())) or text
