"""In-context examples: puts the nearest training examples before a question, for the untrained base.

Few-shot prompting (Brown et al. 2020, arXiv:2005.14165) with the examples nearest to each question (Liu et al. 2022,
arXiv:2101.06804), here by TF-IDF over character n-grams, which works for any language.
"""

from collections.abc import Sequence

from abreast.dataset.examples import Example
from abreast.learning.backbone.prompt_tokenizer import PLACE

SEPARATOR = "\n\n"
"""Stands between two examples; an answer ends there."""
MAX_CHARS = 2000
"""The most characters of all examples together; examples that exceed it are skipped."""


def with_examples(questions: Sequence[str], examples: Sequence[Example], count: int, prompt: str) -> list[str]:
    """Each question in the form that goes into the prompt, with up to `count` answered examples before it.

    Only the nearest example of each key is used, and the nearest of all stands last. Raw text is not used.

    Args:
        prompt: the knob `model.prompt`; it surrounds each example, as it does the question.
    """
    usable = [example for example in examples if example.kind != "text"]
    if not usable or not questions:
        return list(questions)
    before, _, after = prompt.partition(PLACE)
    found = []
    for question, near in zip(questions, _nearest(questions, usable), strict=True):
        chosen = [usable[n] for n in _few(near, usable, count)]
        shown = [f"{example.question}{after} {example.answer}{SEPARATOR}{before}" for example in chosen]
        found.append("".join([*reversed(shown), question]))
    return found


def first_answer(answer: str) -> str:
    """The answer without its continuation, such as a further question that the model asks itself."""
    return answer.split(SEPARATOR)[0].strip()


def _nearest(questions: Sequence[str], examples: Sequence[Example]) -> list[list[int]]:
    """For each question the numbers of all examples, the nearest first; of equals the earlier one."""
    import numpy as np
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True)
    vectors = vectorizer.fit_transform([example.question for example in examples])
    similarity = (vectorizer.transform(questions) @ vectors.T).toarray().round(9)
    return np.argsort(-similarity, axis=1, kind="stable").tolist()


def _few(near: Sequence[int], examples: Sequence[Example], count: int) -> list[int]:
    """The first `count` numbers with different keys that are not too long together."""
    chosen, keys, room = [], set(), MAX_CHARS
    for number in near:
        example = examples[number]
        length = len(example.question) + len(example.answer)
        if len(chosen) < count and example.key not in keys and length <= room:
            chosen.append(number)
            keys.add(example.key)
            room -= length
    return chosen
