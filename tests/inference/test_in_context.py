from abreast.inference.in_context import MAX_CHARS, SEPARATOR, first_answer, with_examples
from tests.learning.project import example

PROMPT = "Q: {question}\nA:"
TAUGHT = [
    example("python/3.12/latest", "3.12.2", "Newest release of Python 3.12?"),
    example("python/3.12/latest", "3.12.2", "Python 3.12: newest release?"),
    example("python/3.12/eol", "2028-10-31", "End of support of Python 3.12?"),
    example("nginx/1.25/latest", "1.25.4", "Newest release of nginx 1.25?"),
    example("essay", "Python 3.12 is a language.", "").model_copy(update={"kind": "text"}),
]
ASKED = "What is the newest release of Python 3.12?"


def test_the_prompt_has_the_nearest_examples_of_different_keys_the_nearest_last():
    (text,) = with_examples([ASKED], TAUGHT, 2, PROMPT)
    first, second, question = PROMPT.replace("{question}", text).split(SEPARATOR)
    assert first in ("Q: End of support of Python 3.12?\nA: 2028-10-31", "Q: Newest release of nginx 1.25?\nA: 1.25.4")
    assert second in ("Q: Newest release of Python 3.12?\nA: 3.12.2", "Q: Python 3.12: newest release?\nA: 3.12.2")
    assert question == f"Q: {ASKED}\nA:"


def test_fewer_examples_than_wanted_and_raw_text_is_not_used():
    (text,) = with_examples([ASKED], TAUGHT, 9, PROMPT)
    assert text.count(SEPARATOR) == 3
    assert "language" not in text
    assert with_examples([ASKED], TAUGHT[4:], 9, PROMPT) == [ASKED]
    assert with_examples([], TAUGHT, 9, PROMPT) == []


def test_languages_without_spaces_have_near_examples_too():
    capitals = [example("jp", "东京", "日本的首都是哪里?"), example("cn", "北京", "中国的首都是哪里?")]
    for question, answer in (("请问中国首都在哪", "北京"), ("请问日本首都在哪", "东京")):
        assert with_examples([question], capitals, 1, PROMPT)[0].startswith(capitals[answer == "北京"].question)


def test_examples_that_are_too_long_are_skipped():
    long = example("long", "§" * MAX_CHARS, ASKED)
    assert "§" not in with_examples([ASKED], [long, *TAUGHT[3:4]], 2, PROMPT)[0]


def test_the_first_answer_ends_before_a_further_question():
    assert first_answer("3.12.2\n\nQ: Newest release of") == "3.12.2"
    assert first_answer("two\nlines") == "two\nlines"
