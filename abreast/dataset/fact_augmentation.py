"""Further ways to teach a fact: from its value to what has it, and against what held before.

A model that has learned that A is B cannot say what B is (the reversal curse, Berglund et al. 2024, arXiv:2309.12288),
unless it is taught that way round too (Golovneva et al. 2024, arXiv:2403.13799). And a question that differs in what
decides the answer alone teaches what decides it (Kaushik et al. 2020, arXiv:1909.12434): so a fact that has changed is
taught as no longer what it was, and as what it is now. The former value stands in questions only, never in an answer.
"""

from collections.abc import Sequence

import pandas as pd

from abreast.core.errors import AbreastError
from abreast.dataset.render import answer_of, plain_rows
from abreast.dataset.templates import Templates
from abreast.knowledge.knowledge_base import superseded_values, valid_rows

DIRECT = "direct"

Pair = tuple[str, str]


def other_ways(
    base: pd.DataFrame, rows: pd.DataFrame, templates: Templates, ways: Sequence[str]
) -> dict[str, list[Pair]]:
    """Further questions and their answers for each of the facts among `rows`, by id.

    Args:
        base: what is known, former values and all.
        ways: the knob `knowledge.question_forms`: `reverse`, `contrast` or both; `direct` adds nothing here.

    Raises:
        AbreastError: no field of the templates has phrasings for one of the ways.
    """
    if set(ways) == {DIRECT}:
        return {}
    for way in ways:
        if way != DIRECT and not any(getattr(phrasings, way) for phrasings in templates.fields.values()):
            raise AbreastError(
                f"knowledge.question_forms: {way}, but no field of `knowledge.templates` has phrasings `{way}`"
            )
    facts = rows[rows["kind"] == "fact"]
    names_one = _names_one(base) if "reverse" in ways else set()
    former = superseded_values(base, facts["key"]) if "contrast" in ways else {}
    found: dict[str, list[Pair]] = {}
    for row in plain_rows(facts):
        about, value = (row["key"], row["attributes"]), answer_of(row, templates)
        found[row["id"]] = templates.reverse_pairs(*about, value) if row["id"] in names_one else []
        if said := former.get(row["key"]):
            found[row["id"]] += templates.contrast_pairs(*about, value, said[-1], row["withdrawn"])
    return found


def _names_one(base: pd.DataFrame) -> set[str]:
    """The ids of the facts whose value no other key has now, case ignored."""
    facts = valid_rows(base)
    facts = facts[facts["kind"] == "fact"]
    return set(facts.loc[~facts["value"].str.casefold().duplicated(keep=False), "id"])
