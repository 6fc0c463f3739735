import pytest

from abreast.config import Model
from abreast.errors import AbreastError
from abreast.learning.base import load_base
from abreast.learning.prompt import Encoder


@pytest.fixture
def tokenizer(tiny_base):
    return load_base(Model(base=str(tiny_base), device="cpu"))[1]


def test_only_a_space_the_answer_and_the_end_are_learned(tokenizer):
    pair = Encoder(tokenizer, "Q: {question} A:").pair("newest?", "3.12.1")
    assert tokenizer.decode(pair.ids[: pair.prompt]) == "Q: newest? A:"
    assert tokenizer.decode(pair.completion) == " 3.12.1<end>"


def test_braces_in_a_question_are_left_alone(tokenizer):
    encoder = Encoder(tokenizer, "{question}")
    assert tokenizer.decode(encoder.question("what is {x}?")) == "what is {x}?"


def test_refuses_a_prompt_without_place_and_a_text_too_long(tokenizer):
    with pytest.raises(AbreastError, match=r"model\.prompt"):
        Encoder(tokenizer, "Question:")
    with pytest.raises(AbreastError, match="12 tokens; model.base reads at most 8"):
        Encoder(tokenizer, "{question}", 8).pair("aaaaaaa", "bbb")
