import pytest

from abreast.core.errors import AbreastError
from abreast.core.settings import Model
from abreast.learning.backbone.base_model import load_base
from abreast.learning.backbone.prompt_tokenizer import Encoder


@pytest.fixture
def tokenizer(tiny_base):
    return load_base(Model(base=str(tiny_base), device="cpu"))[1]


def test_only_a_space_the_answer_and_the_end_are_learned(tokenizer):
    pair = Encoder(tokenizer, "Q: {question} A:").pair("newest?", "3.12.1")
    assert tokenizer.decode(pair.ids[: pair.prompt]) == "Q: newest? A:"
    assert tokenizer.decode(pair.completion) == " 3.12.1<end>"


def test_braces_in_a_question_are_left_alone(tokenizer):
    encoder = Encoder(tokenizer, "{question}:")
    assert tokenizer.decode(encoder.question("what is {x}?")) == "what is {x}?:"


def test_an_adapter_wakes_at_the_mark_that_ends_every_prompt(tokenizer):
    encoder = Encoder(tokenizer, "Q: {question} A:")
    pair = encoder.pair("newest?", "3.12.1")
    assert tokenizer.decode(encoder.mark) == " A:"
    assert pair.ids[pair.wake : pair.prompt] == encoder.mark
    text = encoder.as_answer((1, 2, 3))
    assert text.completion == (1, 2, 3)
    assert tokenizer.decode(text.ids[: text.prompt]) == "Q:  A:"


def test_a_passage_is_all_of_a_text_in_pieces_of_like_length(tokenizer):
    encoder, text = Encoder(tokenizer, "Q: {question} A:", 256), "所有文字 " + "abcdefgh " * 40
    pieces = encoder.passage(text)
    assert "".join(tokenizer.decode(piece.completion) for piece in pieces) == text
    lengths = [len(piece.completion) for piece in pieces]
    assert (len(lengths), max(lengths) - min(lengths)) == (3, 1)
    assert encoder.one_piece(text, "a")[0] in pieces
    assert len({encoder.one_piece(text, str(n))[0] for n in range(20)}) == 3
    assert encoder.passage("") == encoder.one_piece("", "a") == []


def test_a_piece_is_no_longer_than_the_base_can_read(tokenizer):
    pieces = Encoder(tokenizer, "{question}:", 16).passage("a" * 100)
    assert max(len(piece.ids) for piece in pieces) <= 16


def test_refuses_a_prompt_without_place_and_a_text_too_long(tokenizer):
    with pytest.raises(AbreastError, match=r"model\.prompt"):
        Encoder(tokenizer, "Question:")
    with pytest.raises(AbreastError, match="must go on after {question}"):
        Encoder(tokenizer, "Q: {question}")
    with pytest.raises(AbreastError, match="13 tokens; model.base reads at most 8"):
        Encoder(tokenizer, "{question}:", 8).pair("aaaaaaa", "bbb")
