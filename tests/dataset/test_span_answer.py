import pytest
from hypothesis import given
from hypothesis import strategies as st

from abreast.dataset.span_answer import join_tokens, pair_tags, span_answer, tags_ignoring_case, tags_of
from abreast.dataset.spans import spans_of

TOKENS = ["Ada", "Lovelace", "lived", "in", "London", "."]
TAGS = ["B-PER", "I-PER", "O", "O", "B-LOC", "O"]
ANSWER = "PER: Ada Lovelace; LOC: London"


def joined_tags(answer: str) -> str:
    return " ".join(tags_ignoring_case(join_tokens(TOKENS), answer))


def test_spans_in_words_and_back():
    assert span_answer(TOKENS, TAGS) == ANSWER
    assert span_answer(TOKENS, ["O"] * 6) == "none"
    assert joined_tags(ANSWER) == "B-per I-per O O B-loc O"
    assert joined_tags("None.") == "O O O O O O"


@pytest.mark.parametrize(
    ("answer", "tags"),
    [
        ("LOC: London; PER: Ada Lovelace", "B-per I-per O O B-loc O"),
        ("LOC: london", "O O O O B-loc O"),
        ("PER: Ada Lovelace; PER: Ada", "B-per I-per O O O O B-per"),
        ("LOC: Paris", "O O O O O O B-loc"),
        ("London", "O O O O O O B-?"),
        ("", "O O O O O O B-?"),
        ("; : ;;", "O O O O O O B-?"),
        ("the place: London", "O O O O O O B-?"),
    ],
)
def test_whatever_is_answered_has_tags_and_what_is_wrong_stands_behind_the_sentence(answer, tags):
    assert joined_tags(answer) == tags


def test_only_the_same_spans_pair():
    question = join_tokens(TOKENS)
    for given_answer, same in ((ANSWER, True), ("PER: Ada; LOC: London", False), ("LOC: London", False), ("", False)):
        wanted, given_tags = pair_tags(question, ANSWER, given_answer)
        assert len(wanted) == len(given_tags) >= len(TOKENS)
        assert (wanted == given_tags) is same


def test_chinese_spans():
    tokens = list("王小明住在北京。")
    tags = ["B-人名", "I-人名", "I-人名", "O", "O", "B-地名", "I-地名", "O"]
    answer = span_answer(tokens, tags)
    assert answer == "人名: 王 小 明; 地名: 北 京"
    assert tags_ignoring_case(join_tokens(tokens), answer) == tags


def test_of_the_same_words_twice_the_first_is_meant():
    tokens = ["London", "or", "London"]
    assert tags_ignoring_case(join_tokens(tokens), span_answer(tokens, ["O", "O", "B-LOC"])) == ["B-loc", "O", "O"]
    assert tags_ignoring_case(join_tokens(tokens), "LOC: London; LOC: London") == ["B-loc", "O", "B-loc"]


words = st.lists(st.integers(0, 999).map(str), min_size=1, max_size=8, unique=True)


@given(words, st.data())
def test_tags_come_back_where_no_word_stands_twice(tokens, data):
    tags = data.draw(st.lists(st.sampled_from(["O", "B-A", "I-A", "B-B"]), min_size=len(tokens), max_size=len(tokens)))
    back = tags_ignoring_case(join_tokens(tokens), span_answer(tokens, tags))
    assert spans_of(back) == [(span.type.casefold(), *span[1:]) for span in spans_of(tags)]


@given(st.text(), st.text())
def test_nothing_is_ever_refused(question, answer):
    assert len(tags_ignoring_case(question, answer)) >= len(question.casefold().split(" "))
    wanted, told_tags = pair_tags(question, answer, answer)
    assert wanted == told_tags
    spans_of(wanted)


def test_tags_keep_the_case_of_their_types_where_that_is_asked_for():
    assert tags_of("Ada saw Rome", "PER: Ada; Loc: Rome") == ["B-PER", "O", "B-Loc"]
    assert tags_of("Ada saw Rome", "PER: ada") == ["O", "O", "O", "B-PER"], "another word than those of the sentence"
    assert tags_ignoring_case("Ada saw Rome", "PER: ada") == ["B-per", "O", "O"]
