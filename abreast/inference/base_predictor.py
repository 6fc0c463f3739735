"""What every predictor does, be it a language model or an encoder with heads."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from abreast.inference.prediction import Prediction


class BasePredictor(ABC):
    """A model that answers questions and scores raw text."""

    base_digest: str

    @abstractmethod
    def predict(
        self,
        questions: Sequence[str],
        guesses: Sequence[Sequence[str]] | None = None,
        check: bool = True,
        kinds: Sequence[str] | None = None,
    ) -> list[Prediction]:
        """The answer to each question, with its probability.

        Args:
            guesses: for each question, answers that the model may well give.
            check: whether to try the guesses.
            kinds: the kind of record of each question.
        """

    @abstractmethod
    def perplexity(self, text: str) -> float | None:
        """The perplexity of a whole text; None for a model that has none.

        Raises:
            AbreastError: the text is empty.
        """

    @abstractmethod
    def score_text(self, texts: Sequence[str], names: Sequence[str]) -> list[tuple[float, int]]:
        """The mean natural log-likelihood of a token, and the number of tokens, in one piece of each text."""

    def answer(
        self,
        questions: Sequence[str],
        guesses: Sequence[Sequence[str]] | None = None,
        check: bool = True,
        kinds: Sequence[str] | None = None,
    ) -> list[str]:
        """The texts of `predict`."""
        return [one.text for one in self.predict(questions, guesses, check, kinds)]
