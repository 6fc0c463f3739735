from collections import Counter

import pytest

from abreast.core.errors import AbreastError
from abreast.core.settings import Model
from abreast.learning.backbone.base_model import load_base
from abreast.learning.encoder.label_tokenizer import VERSIONS, Marker
from abreast.learning.encoder.labels import Labels, Scale

LABELS = Labels(
    classification=("plant", "animal"),
    tagging=("O", "B-PER", "I-PER", "B-LOC", "I-LOC"),
    regression=Scale(mean=10.0, deviation=4.0),
)


@pytest.fixture(scope="module")
def marker(tiny_encoder):
    _, tokenizer, _ = load_base(Model(base=str(tiny_encoder), device="cpu"))
    return Marker(tokenizer, LABELS, 64)


def test_the_first_token_of_each_word_carries_its_tag(marker):
    sentence = "Ada Byron sang in xylo"
    marked = marker.lesson("tagging", sentence, "PER: Ada Byron; LOC: xylo")
    tokens = marker.tokenizer.convert_ids_to_tokens(marked.ids)
    assert tokens[2:7] == ["b", "##y", "##r", "##o", "##n"]
    assert [tokens[place] for place in marked.places] == ["ada", "b", "sang", "in", "x"]
    assert marked.wanted == (1.0, 2.0, 0.0, 0.0, 3.0)
    assert marker.answer("tagging", sentence, marked.wanted) == "PER: Ada Byron; LOC: xylo"


def test_words_without_a_token_are_outside(marker):
    sentence = "\u200d Ada \u200d"
    marked = marker.question("tagging", sentence)
    assert len(marked.places) == 1
    assert marker.answer("tagging", sentence, [1.0]) == "PER: Ada"
    nothing = marker.lesson("tagging", "\u200d", "none")
    assert (nothing.places, nothing.wanted) == ((0,), (0.0,))
    assert marker.answer("tagging", "\u200d", [1.0]) == "none"


def test_an_i_without_a_b_begins_a_span_and_a_new_type_another(marker):
    assert marker.answer("tagging", "a b c d", [2.0, 2.0, 4.0, 0.0]) == "PER: a b; LOC: c"
    assert marker.answer("tagging", "a b c d", [0.0] * 4) == "none"


def test_labels_and_numbers_there_and_back(marker):
    label = marker.lesson("classification", "the lion ran", "animal")
    assert (label.places, label.wanted) == (None, (1.0,))
    assert marker.answer("classification", "the lion ran", label.wanted) == "animal"
    number = marker.lesson("regression", "hot", "13")
    assert number.wanted == (0.75,)
    assert marker.answer("regression", "hot", number.wanted) == "13"


def test_too_long_texts_are_cut_and_too_long_sentences_refused(marker):
    long = "the lion " * 50
    assert len(marker.question("classification", long).ids) == 64
    with pytest.raises(
        AbreastError, match=r"102 tokens; model\.base reads at most 64, and all of a sentence is tagged"
    ):
        marker.question("tagging", long.strip())
    assert all(len(version.ids) <= 64 for version in marker.passage(long))


def test_each_token_is_masked_once_and_always_in_the_same_version(marker):
    versions = marker.passage("the cat sat on the mat and the mice ran home")
    assert len(versions) == VERSIONS
    whole = marker.tokenizer("the cat sat on the mat and the mice ran home").input_ids
    masked = Counter(place for version in versions for place in version.places)
    assert masked == Counter(range(1, len(whole) - 1))
    for version in versions:
        assert [whole[place] for place in version.places] == list(version.wanted)
        seen = [marker.tokenizer.mask_token_id if n in version.places else token for n, token in enumerate(whole)]
        assert list(version.ids) == seen
    assert marker.passage("the cat sat on the mat and the mice ran home") == versions
    assert len(marker.one_piece("the cat", "x")) == 2
    assert marker.one_piece("", "x") == []
