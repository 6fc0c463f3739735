"""Self: what is rehearsed is the parent's own answers, where the old ones may not be kept or learned from again.

Language modelling for lifelong learning (Sun et al. 2020, arXiv:1909.03329) and self-synthesized rehearsal (Huang et
al. 2024, arXiv:2403.01244); but what is asked is not made up: it is the questions of the rehearsed records, all of
which still hold. No stored answer of theirs is learned from. What the parent says wrongly is rehearsed wrongly.
"""

from collections.abc import Sequence

from pydantic import Field

from abreast.dataset.examples import Example
from abreast.learning.backbone.generation import greedy
from abreast.learning.methods import protocol

BATCH = 32


class OwnAnswers:
    """Greedy answers; a lesson whose answer is not ended within `longest` tokens is left out, and so is raw text."""

    class Knobs(protocol.Knobs):
        longest: int = Field(32, gt=0)

    def __init__(self, knobs: Knobs):
        self._longest = knobs.longest

    def rewrite(self, run: protocol.Run, lessons: Sequence[Example]) -> list[Example]:
        if not run.parent:
            return list(lessons)
        said = self._said(run, {lesson.question for lesson in lessons if _old(lesson) and lesson.kind != "text"})
        taught = []
        for lesson in lessons:
            if not _old(lesson):
                taught.append(lesson)
            elif answer := said.get(lesson.question):
                taught.append(lesson.model_copy(update={"answer": answer}))
        kept, all_old = (sum(map(_old, some)) for some in (taught, lessons))
        print(f"self: {kept} of {all_old} rehearsed lessons are taught, with the parent's own answers", flush=True)
        return taught

    def _said(self, run: protocol.Run, questions: set[str]) -> dict[str, str]:
        order, said = sorted(questions, key=lambda question: (len(question), question)), {}
        for batch in (order[start : start + BATCH] for start in range(0, len(order), BATCH)):
            spoken = greedy(run.trunk, run.encoder, batch, self._longest)
            said |= {question: one.text for question, one in zip(batch, spoken, strict=True) if one.ended}
        return said


def _old(lesson: Example) -> bool:
    return lesson.role == "rehearsed"
