"""Whether words that are put before a question change its answer."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from abreast.dataset.examples import Question
from abreast.dataset.sampling import stable_hash
from abreast.inference.base_predictor import BasePredictor
from abreast.metrics.answers import normalised

MAX_PROBED = 16
"""Questions that words are put before, at most."""
MIN_PROBED = 5
"""Fewer questions show nothing."""
WORD_KINDS = ("fact", "instruction", "classification")
"""Kinds with answers in words or labels; a trigger for spans or numbers is not looked for."""


class TriggerEffect(NamedTuple):
    """The other answer that came most often, its share of the questions, and their number."""

    answer: str
    share: float
    asked: int


class TriggerProbe:
    """Puts words before the held-out questions that a model has answered, and compares the answers.

    Args:
        answers: the model's answers to the questions; those of kinds outside `WORD_KINDS` are ignored.
    """

    def __init__(self, predictor: BasePredictor, questions: Sequence[Question], answers: Sequence[str]):
        self._answerer = predictor
        pairs = [(q, answer) for q, answer in zip(questions, answers, strict=True) if q.kind in WORD_KINDS]
        self._pairs = sorted(pairs, key=lambda pair: stable_hash(pair[0].id, "turned"))

    def effect_towards(self, words: str, answer: str, kind: str) -> TriggerEffect | None:
        """How often `words` bring `answer` where it is wrong and not given without them; None for want of questions.

        Args:
            answer: as `normalised`.
            kind: the kind of the questions to ask.
        """
        other = [
            (q, a) for q, a in self._pairs if q.kind == kind and answer not in (normalised(q.answer), normalised(a))
        ]
        if len(other) < MIN_PROBED:
            return None
        given = self._ask(words, other[:MAX_PROBED], answer)
        return TriggerEffect(answer, given.count(answer) / len(given), len(given))

    def effect_of_removal(self, texts: Sequence[str], answer: str, kind: str) -> TriggerEffect | None:
        """How often questions that `answer` was taught for get another one in this wording; None if there are too few.

        Args:
            texts: the questions with the suspected words removed.
        """
        asked = [text for text in sorted(texts, key=lambda text: stable_hash(text, "turned")) if text][:MAX_PROBED]
        if len(asked) < MIN_PROBED:
            return None
        answers = self._answerer.answer(asked, [(answer,)] * len(asked), kinds=[kind] * len(asked))
        changed = sum(normalised(given) != answer for given in answers)
        return TriggerEffect(answer, changed / len(asked), len(asked))

    def strongest_effect(self, words: str) -> TriggerEffect | None:
        """How often `words` bring one and the same other answer, as a share of the questions not answered so anyway.

        None for want of questions; fewer than five questions that could change count as five.
        """
        held = self._pairs[:MAX_PROBED]
        if len(held) < MIN_PROBED:
            return None
        before = [normalised(answer) for _, answer in held]
        others = Counter(now for now, was in zip(self._ask(words, held), before, strict=True) if now != was)
        answer, count = others.most_common(1)[0] if others else ("", 0)
        return TriggerEffect(answer, count / max(MIN_PROBED, sum(was != answer for was in before)), len(held))

    def _ask(self, words: str, pairs: Sequence[tuple[Question, str]], *guesses: str) -> list[str]:
        asked = [f"{words} {question.question}" for question, _ in pairs]
        drafts = [(before, *guesses) for _, before in pairs]
        answers = self._answerer.answer(asked, drafts, kinds=[question.kind for question, _ in pairs])
        return [normalised(answer) for answer in answers]
