"""Questions with examples before them: what the untrained base says when it is shown what it would be taught.

Few-shot prompting (Brown et al. 2020, arXiv:2005.14165) with the examples that are nearest to each question (Liu et al.
2022, arXiv:2101.06804), here by TF-IDF over runs of letters, which needs no words and so suits any language.
"""

from collections.abc import Sequence

from abreast.dataset.examples import Example
from abreast.learning.backbone.prompt_tokenizer import PLACE

BETWEEN = "\n\n"
"""What stands between two examples, and so after an answer that is to end."""
MOST_CHARS = 2000
"""Examples that would make all of them longer than this are passed over."""


def with_examples(questions: Sequence[str], examples: Sequence[Example], count: int, prompt: str) -> list[str]:
    """Each question as what goes into the prompt, so that up to `count` answered examples come before it.

    Of one key the nearest example only is taken, and the nearest of all stands last. Raw text is no example.

    Args:
        prompt: the knob `model.prompt`; the examples are put into it as the question is.
    """
    known = [example for example in examples if example.kind != "text"]
    if not known or not questions:
        return list(questions)
    before, _, after = prompt.partition(PLACE)
    found = []
    for question, near in zip(questions, _nearest(questions, known), strict=True):
        shown = [f"{known[n].question}{after} {known[n].answer}{BETWEEN}{before}" for n in _few(near, known, count)]
        found.append("".join([*reversed(shown), question]))
    return found


def cut(answer: str) -> str:
    """The answer without what goes on after it, such as a further question that the model asks itself."""
    return answer.split(BETWEEN)[0].strip()


def _nearest(questions: Sequence[str], examples: Sequence[Example]) -> list[list[int]]:
    """For each question the numbers of all examples, the nearest first; of equals the earlier one."""
    import numpy as np
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectors = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True)
    taught = vectors.fit_transform([example.question for example in examples])
    likeness = (vectors.transform(questions) @ taught.T).toarray().round(9)
    return np.argsort(-likeness, axis=1, kind="stable").tolist()


def _few(near: Sequence[int], examples: Sequence[Example], count: int) -> list[int]:
    """The first `count` numbers of different keys that are not too long together."""
    taken, keys, room = [], set(), MOST_CHARS
    for number in near:
        example = examples[number]
        length = len(example.question) + len(example.answer)
        if len(taken) < count and example.key not in keys and length <= room:
            taken.append(number)
            keys.add(example.key)
            room -= length
    return taken
