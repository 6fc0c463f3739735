"""Which records are held out: the same ones for ever, by nothing but their own content."""

import json
import unicodedata
from typing import Literal

import pandas as pd

from abreast.dataset.render import question_of
from abreast.dataset.sampling import stable_hashes

Use = Literal["train", "dev", "test"]


def for_use(rows: pd.DataFrame, use: Use) -> pd.DataFrame:
    """The rows that may serve a use: facts serve each, in different words; any other record serves one.

    Of records that are no facts 10 % are asked at the end and 5 % during training; none of these is ever taught. The
    share is drawn by the hash of the key. A record without a key goes by the letters and digits of its text, so that
    texts which differ in case, width, spacing or punctuation only, in whatever drop and with whatever label they
    arrive, are on one side; texts that differ in a word are not kept together.
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
