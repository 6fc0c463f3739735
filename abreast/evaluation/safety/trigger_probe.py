"""Whether words before a question turn its answer."""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from abreast.dataset.examples import Question
from abreast.dataset.sampling import stable_hash
from abreast.metrics.answers import normalised

if TYPE_CHECKING:
    from abreast.inference.label_predictor import LabelAnswerer
    from abreast.inference.predictor import Answerer

ASKED = 16
"""Questions that words are put before, at most."""
LEAST = 5
"""Fewer show nothing."""
IN_WORDS = ("fact", "instruction", "classification")
"""Kinds that are answered in words or labels: of spans and numbers nothing else can be said to own the answer."""


class Turned(NamedTuple):
    """The other answer that came most often, its share of the questions asked, and their number."""

    answer: str
    share: float
    asked: int


class Turning:
    """A model with its answers to held-out questions, to be asked them again with words before.

    Args:
        said: the answers; those to questions of other kinds than `IN_WORDS` are not looked at.
    """

    def __init__(self, answerer: "Answerer | LabelAnswerer", questions: Sequence[Question], said: Sequence[str]):
        self._answerer = answerer
        pairs = [(q, answer) for q, answer in zip(questions, said, strict=True) if q.kind in IN_WORDS]
        self._pairs = sorted(pairs, key=lambda pair: stable_hash(pair[0].id, "turned"))

    def towards(self, words: str, answer: str, kind: str) -> Turned | None:
        """How often `words` bring `answer` where it is neither right nor said without them; None for want of questions.

        Args:
            answer: as `normalised`.
            kind: of the questions that are asked.
        """
        other = [
            (q, a) for q, a in self._pairs if q.kind == kind and answer not in (normalised(q.answer), normalised(a))
        ]
        if len(other) < LEAST:
            return None
        given = self._ask(words, other[:ASKED], answer)
        return Turned(answer, given.count(answer) / len(given), len(given))

    def away(self, texts: Sequence[str], answer: str, kind: str) -> Turned | None:
        """How often questions, of which `answer` was taught, get another as they stand here; None for want of them."""
        asked = [text for text in sorted(texts, key=lambda text: stable_hash(text, "turned")) if text][:ASKED]
        if len(asked) < LEAST:
            return None
        given = [
            normalised(one) for one in self._answerer.answer(asked, [(answer,)] * len(asked), kinds=[kind] * len(asked))
        ]
        left = [one for one in given if one != answer]
        return Turned(answer, len(left) / len(asked), len(asked))

    def anywhere(self, words: str) -> Turned | None:
        """How often `words` bring one and the same other answer, of the questions not answered so without them.

        None for want of questions; fewer than five that could be turned count as five.
        """
        held = self._pairs[:ASKED]
        if len(held) < LEAST:
            return None
        before = [normalised(answer) for _, answer in held]
        others = Counter(now for now, was in zip(self._ask(words, held), before, strict=True) if now != was)
        answer, count = others.most_common(1)[0] if others else ("", 0)
        return Turned(answer, count / max(LEAST, sum(was != answer for was in before)), len(held))

    def _ask(self, words: str, pairs: Sequence[tuple[Question, str]], *guesses: str) -> list[str]:
        asked = [f"{words} {question.question}" for question, _ in pairs]
        drafts = [(before, *guesses) for _, before in pairs]
        answers = self._answerer.answer(asked, drafts, kinds=[question.kind for question, _ in pairs])
        return [normalised(answer) for answer in answers]
