"""Further training questions on a fact: from its value back to its key, and against its former value.

A model that has learned that A is B cannot say what B is (the reversal curse, Berglund et al. 2024, arXiv:2309.12288),
unless it is trained on the reversed question too (Golovneva et al. 2024, arXiv:2403.13799). And pairs of
questions that differ only in what decides the answer teach what decides it (Kaushik et al. 2020, arXiv:1909.12434): so
a changed fact gets questions on its former value and on its current one. The former value occurs in questions only,
never in an answer.
"""

from collections.abc import Sequence

import pandas as pd

from abreast.core.errors import AbreastError
from abreast.dataset.render import answer_of, plain_rows
from abreast.dataset.templates import Templates
from abreast.knowledge.knowledge_base import superseded_values, valid_rows

DIRECT = "direct"

Pair = tuple[str, str]


def augmented_questions(
    base: pd.DataFrame, rows: pd.DataFrame, templates: Templates, forms: Sequence[str]
) -> dict[str, list[Pair]]:
    """Further questions and their answers for each of the facts among `rows`, by id.

    Args:
        base: the knowledge base, with former values.
        forms: the knob `knowledge.question_forms`: `reverse`, `contrast` or both; `direct` adds nothing here.

    Raises:
        AbreastError: no field of the templates has phrasings of one of the forms.
    """
    if set(forms) == {DIRECT}:
        return {}
    for form in forms:
        if form != DIRECT and not any(getattr(phrasings, form) for phrasings in templates.fields.values()):
            raise AbreastError(
                f"knowledge.question_forms: {form}, but no field of `knowledge.templates` has phrasings `{form}`"
            )
    facts = rows[rows["kind"] == "fact"]
    reversible = _ids_of_unique_values(base) if "reverse" in forms else set()
    former = superseded_values(base, facts["key"]) if "contrast" in forms else {}
    found: dict[str, list[Pair]] = {}
    for row in plain_rows(facts):
        about, value = (row["key"], row["attributes"]), answer_of(row, templates)
        found[row["id"]] = templates.reverse_pairs(*about, value) if row["id"] in reversible else []
        if values := former.get(row["key"]):
            found[row["id"]] += templates.contrast_pairs(*about, value, values[-1], row["withdrawn"])
    return found


def _ids_of_unique_values(base: pd.DataFrame) -> set[str]:
    """The ids of the facts whose value no other key has at present, ignoring case."""
    facts = valid_rows(base)
    facts = facts[facts["kind"] == "fact"]
    return set(facts.loc[~facts["value"].str.casefold().duplicated(keep=False), "id"])
