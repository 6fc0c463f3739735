"""The answers of each model to the same questions; predictions made before are taken from the cache."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from abreast.core.home import Home
from abreast.core.settings import Params
from abreast.dataset.examples import Example, Question
from abreast.inference.base_predictor import BasePredictor
from abreast.inference.in_context import first_answer, with_examples
from abreast.inference.prediction import Prediction
from abreast.inference.prediction_cache import PredictionCache
from abreast.inference.routed_predictor import RoutedPredictor
from abreast.learning.model_folder import model_digest
from abreast.metrics.task_metrics import TextLikelihood


@dataclass(frozen=True)
class EvaluatedModels:
    """The models of one evaluation by name; the folder of the untrained base is None."""

    predictors: Mapping[str, BasePredictor]
    folders: Mapping[str, Path | None]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of all models."""
        return tuple(self.folders)


@dataclass(frozen=True)
class ModelAnswers:
    """What one model made of all questions: an answer to each, or the likelihood of a raw text.

    `perplexity` is that of the general text; None for an encoder without a head for masked words. Of each question with
    an answer, `routed` tells whether it went to the expert of its domain, for models with experts, and `confidences` is
    the probability of the answer.
    """

    answers: list[str | TextLikelihood]
    perplexity: float | None
    routed: list[bool | None] | None = None
    confidences: list[float | None] | None = None


class EvaluationSession:
    """The questions of an evaluation, to be answered by one model after the other.

    Args:
        general: text on which perplexity is measured.
    """

    def __init__(self, questions: Sequence[Question], general: str, params: Params):
        self._questions, self._general, self._params = questions, general, params
        self._caches: dict[Path | None, PredictionCache] = {}
        self._asked = [question for question in questions if question.kind != "text"]
        self._texts = [question for question in questions if question.kind == "text"]
        self._guesses = [(question.answer, *question.stale) for question in self._asked]

    def with_questions(self, questions: Sequence[Question]) -> "EvaluationSession":
        """A session on other questions that shares the predictions of this one."""
        other = EvaluationSession(questions, self._general, self._params)
        other._caches = self._caches
        return other

    def answers_of(self, models: EvaluatedModels, name: str) -> ModelAnswers:
        """What the model called `name` makes of all questions."""
        predictor, cache = models.predictors[name], self.cache(models, name)

        def score(numbers: list[int]) -> list[tuple[float, int]]:
            return predictor.score_text([self._texts[n].answer for n in numbers], [self._texts[n].id for n in numbers])

        found = self._predictions(predictor, cache, [question.question for question in self._asked], check=True)
        likelihoods = cache.get_or_compute([["text", text.id, text.answer] for text in self._texts], score)
        general = sha256(self._general.encode()).hexdigest()
        perplexity = cache.get_or_compute([["perplexity", general]], lambda _: [predictor.perplexity(self._general)])[0]
        in_order = self._in_order([one.text for one in found], [TextLikelihood(*one) for one in likelihoods])
        routed = self._routed(predictor, cache) if isinstance(predictor, RoutedPredictor) else None
        return ModelAnswers(in_order, perplexity, routed, [one.probability for one in found])

    def answers_with_examples(
        self, models: EvaluatedModels, alone: ModelAnswers, examples: Sequence[Example]
    ) -> ModelAnswers:
        """What the base answers with the nearest of `examples` before each question.

        Args:
            alone: what it answers without; examples do not change the likelihood of raw text. The confidence is not
                known, for the answers are cut off where the model goes on.
        """
        count, prompt = self._params.evaluate.in_context_examples, self._params.model.prompt
        asked = with_examples([question.question for question in self._asked], examples, count, prompt)
        found = self._predictions(models.predictors["base"], self.cache(models, "base"), asked, check=False)
        answers = [first_answer(one.text) for one in found]
        likelihoods = [one for one in alone.answers if isinstance(one, TextLikelihood)]
        return ModelAnswers(self._in_order(answers, likelihoods), alone.perplexity)

    def cache(self, models: EvaluatedModels, name: str) -> PredictionCache:
        """The earlier predictions of a model: the champion answered most questions as a candidate."""
        folder = models.folders[name]
        if folder not in self._caches:
            identity = [models.predictors[name].base_digest, model_digest(folder) if folder else None]
            identity += [self._params.model.model_dump(mode="json"), self._params.evaluate.max_new_tokens]
            self._caches[folder] = PredictionCache(Home.of(Path()).root / "answers", *identity)
        return self._caches[folder]

    def _predictions(
        self, predictor: BasePredictor, cache: PredictionCache, asked: list[str], check: bool
    ) -> list[Prediction]:
        kinds = [question.kind for question in self._asked]

        def predict(numbers: list[int]) -> list[Prediction]:
            guesses = [self._guesses[n] for n in numbers]
            return predictor.predict([asked[n] for n in numbers], guesses, check, [kinds[n] for n in numbers])

        entries = [
            ["answer", kind, text, *guess] for kind, text, guess in zip(kinds, asked, self._guesses, strict=True)
        ]
        return [Prediction(*one) for one in cache.get_or_compute(entries, predict)]

    def _routed(self, predictor: RoutedPredictor, cache: PredictionCache) -> list[bool | None]:
        asked = [question.question for question in self._asked]
        domains = cache.get_or_compute(
            [["expert", text] for text in asked], lambda numbers: predictor.domains([asked[n] for n in numbers])
        )
        return predictor.routed_correctly(self._asked, domains)

    def _in_order(self, answers: Sequence[str], likelihoods: Sequence[TextLikelihood]) -> list[str | TextLikelihood]:
        """One for each question, in the order of the questions."""
        answered, texts = iter(answers), iter(likelihoods)
        return [next(texts) if question.kind == "text" else next(answered) for question in self._questions]
