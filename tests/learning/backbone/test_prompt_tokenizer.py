import pytest

from abreast.core.errors import AbreastError
from abreast.core.settings import Model
from abreast.learning.backbone.base_model import load_base
from abreast.learning.backbone.prompt_tokenizer import PromptTokenizer


@pytest.fixture
def tokenizer(tiny_base):
    return load_base(Model(base=str(tiny_base), device="cpu"))[1]


def test_the_completion_is_a_space_the_answer_and_the_end_token(tokenizer):
    pair = PromptTokenizer(tokenizer, "Q: {question} A:").pair("newest?", "3.12.1")
    assert tokenizer.decode(pair.ids[: pair.prompt_length]) == "Q: newest? A:"
    assert tokenizer.decode(pair.completion) == " 3.12.1<end>"


def test_braces_in_a_question_stay(tokenizer):
    prompt_tokenizer = PromptTokenizer(tokenizer, "{question}:")
    assert tokenizer.decode(prompt_tokenizer.prompt_ids("what is {x}?")) == "what is {x}?:"


def test_the_activation_index_is_at_the_invocation_tokens_that_end_every_prompt(tokenizer):
    prompt_tokenizer = PromptTokenizer(tokenizer, "Q: {question} A:")
    pair = prompt_tokenizer.pair("newest?", "3.12.1")
    assert tokenizer.decode(prompt_tokenizer.invocation_tokens) == " A:"
    assert pair.ids[pair.activation_index : pair.prompt_length] == prompt_tokenizer.invocation_tokens
    text = prompt_tokenizer.as_completion((1, 2, 3))
    assert text.completion == (1, 2, 3)
    assert tokenizer.decode(text.ids[: text.prompt_length]) == "Q:  A:"


def test_split_text_gives_all_of_a_text_in_pieces_of_almost_equal_length(tokenizer):
    prompt_tokenizer, text = PromptTokenizer(tokenizer, "Q: {question} A:", 256), "所有文字 " + "abcdefgh " * 40
    pieces = prompt_tokenizer.split_text(text)
    assert "".join(tokenizer.decode(piece.completion) for piece in pieces) == text
    lengths = [len(piece.completion) for piece in pieces]
    assert (len(lengths), max(lengths) - min(lengths)) == (3, 1)
    assert prompt_tokenizer.pick_piece(text, "a")[0] in pieces
    assert len({prompt_tokenizer.pick_piece(text, str(n))[0] for n in range(20)}) == 3
    assert prompt_tokenizer.split_text("") == prompt_tokenizer.pick_piece("", "a") == []


def test_a_piece_is_no_longer_than_the_base_can_read(tokenizer):
    pieces = PromptTokenizer(tokenizer, "{question}:", 16).split_text("a" * 100)
    assert max(len(piece.ids) for piece in pieces) <= 16


def test_refuses_a_prompt_without_placeholder_and_a_text_that_is_too_long(tokenizer):
    with pytest.raises(AbreastError, match=r"model\.prompt"):
        PromptTokenizer(tokenizer, "Question:")
    with pytest.raises(AbreastError, match="must go on after {question}"):
        PromptTokenizer(tokenizer, "Q: {question}")
    with pytest.raises(AbreastError, match="13 tokens; model.base reads at most 8"):
        PromptTokenizer(tokenizer, "{question}:", 8).pair("aaaaaaa", "bbb")
