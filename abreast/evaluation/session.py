"""What one model says to all questions; whatever it was asked before in the same words is remembered."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from abreast.core.home import Home
from abreast.core.settings import Params
from abreast.dataset.examples import Example, Question
from abreast.inference.in_context import cut, with_examples
from abreast.inference.label_predictor import LabelAnswerer
from abreast.inference.prediction_cache import Memory
from abreast.inference.predictor import Answerer
from abreast.inference.routed_predictor import Panel
from abreast.learning.model_folder import model_digest
from abreast.metrics.task_metrics import TextLikelihood

Asked = Answerer | LabelAnswerer


@dataclass(frozen=True)
class ModelAnswers:
    """What one model said to all questions: an answer to each, or how well it foresaw a raw text.

    `perplexity` is that of general text; None of an encoder without a head for masked words. `sent` says of each
    question that is answered whether it went to the expert of its domain, if there are experts.
    """

    said: list[str | TextLikelihood]
    perplexity: float | None
    sent: list[bool | None] | None = None


class EvaluationSession:
    """The questions, to be put to one model after the other.

    Args:
        general: text on which perplexity is measured.
    """

    def __init__(self, questions: Sequence[Question], general: str, params: Params):
        self._questions, self._general, self._params = questions, general, params
        self._memories: dict[Path | None, Memory] = {}
        self._spoken = [question for question in questions if question.kind != "text"]
        self._texts = [question for question in questions if question.kind == "text"]
        self._guesses = [(question.answer, *question.stale) for question in self._spoken]

    def on(self, questions: Sequence[Question]) -> "EvaluationSession":
        """The same with other questions; what a model said here it says there."""
        other = EvaluationSession(questions, self._general, self._params)
        other._memories = self._memories
        return other

    def ask(self, answerer: Asked, folder: Path | None) -> ModelAnswers:
        """What the model in `folder`, or the base, says."""
        memory, general = self.memory(answerer, folder), sha256(self._general.encode()).hexdigest()

        def read(numbers: list[int]) -> list[tuple[float, int]]:
            return answerer.foresee([self._texts[n].answer for n in numbers], [self._texts[n].id for n in numbers])

        answers = self._answers(answerer, memory, [question.question for question in self._spoken], check=True)
        foreseen = memory.recall([["text", text.id, text.answer] for text in self._texts], read)
        perplexity = memory.recall([["perplexity", general]], lambda _: [answerer.perplexity(self._general)])[0]
        said = self._in_order(answers, [TextLikelihood(*one) for one in foreseen])
        return ModelAnswers(said, perplexity, self._sent(answerer, memory) if isinstance(answerer, Panel) else None)

    def ask_with_examples(self, answerer: Asked, alone: ModelAnswers, examples: Sequence[Example]) -> ModelAnswers:
        """What the base says with the nearest of `examples` before each question.

        Args:
            alone: what it says without; examples change nothing in how raw text is read.
        """
        count, prompt = self._params.evaluate.in_context_examples, self._params.model.prompt
        asked = with_examples([question.question for question in self._spoken], examples, count, prompt)
        answers = self._answers(answerer, self.memory(answerer, None), asked, check=False)
        foreseen = [said for said in alone.said if isinstance(said, TextLikelihood)]
        return ModelAnswers(self._in_order(list(map(cut, answers)), foreseen), alone.perplexity)

    def memory(self, answerer: Asked, folder: Path | None) -> Memory:
        """What the model in `folder`, or the base, has said: most was asked before, of the champion as a candidate."""
        if folder not in self._memories:
            identity = [answerer.base_digest, model_digest(folder) if folder else None]
            identity += [self._params.model.model_dump(mode="json"), self._params.evaluate.max_new_tokens]
            self._memories[folder] = Memory(Home.of(Path()).root / "answers", *identity)
        return self._memories[folder]

    def _answers(self, answerer: Asked, memory: Memory, asked: list[str], check: bool) -> list[str]:
        kinds = [question.kind for question in self._spoken]

        def ask(numbers: list[int]) -> list[str]:
            guesses = [self._guesses[n] for n in numbers]
            return answerer.answer([asked[n] for n in numbers], guesses, check, [kinds[n] for n in numbers])

        put = [[kind, text, *guess] for kind, text, guess in zip(kinds, asked, self._guesses, strict=True)]
        return memory.recall(put, ask)

    def _sent(self, panel: Panel, memory: Memory) -> list[bool | None]:
        asked = [question.question for question in self._spoken]
        domains = memory.recall(
            [["expert", text] for text in asked], lambda numbers: panel.domains([asked[n] for n in numbers])
        )
        return panel.rightly_sent(self._spoken, domains)

    def _in_order(self, answers: Sequence[str], foreseen: Sequence[TextLikelihood]) -> list[str | TextLikelihood]:
        """One for each question, in the order of the questions."""
        spoken, texts = iter(answers), iter(foreseen)
        return [next(texts) if question.kind == "text" else next(spoken) for question in self._questions]
