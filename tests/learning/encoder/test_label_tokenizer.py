from collections import Counter

import pytest

from abreast.core.errors import AbreastError
from abreast.core.settings import Model
from abreast.learning.backbone.base_model import load_base
from abreast.learning.encoder.label_set import Labels, Scale
from abreast.learning.encoder.label_tokenizer import MASKED_VERSIONS, LabelTokenizer

LABELS = Labels(
    classification=("plant", "animal"),
    tagging=("O", "B-PER", "I-PER", "B-LOC", "I-LOC"),
    regression=Scale(mean=10.0, deviation=4.0),
)


@pytest.fixture(scope="module")
def label_tokenizer(tiny_encoder):
    _, tokenizer, _ = load_base(Model(base=str(tiny_encoder), device="cpu"))
    return LabelTokenizer(tokenizer, LABELS, 64)


def test_the_first_token_of_each_word_has_its_tag(label_tokenizer):
    sentence = "Ada Byron sang in xylo"
    example = label_tokenizer.tokenize_example("tagging", sentence, "PER: Ada Byron; LOC: xylo")
    tokens = label_tokenizer.tokenizer.convert_ids_to_tokens(example.ids)
    assert tokens[2:7] == ["b", "##y", "##r", "##o", "##n"]
    assert [tokens[place] for place in example.positions] == ["ada", "b", "sang", "in", "x"]
    assert example.targets == (1.0, 2.0, 0.0, 0.0, 3.0)
    assert label_tokenizer.decode("tagging", sentence, example.targets) == "PER: Ada Byron; LOC: xylo"


def test_words_without_a_token_are_outside(label_tokenizer):
    sentence = "\u200d Ada \u200d"
    example = label_tokenizer.tokenize_question("tagging", sentence)
    assert len(example.positions) == 1
    assert label_tokenizer.decode("tagging", sentence, [1.0]) == "PER: Ada"
    nothing = label_tokenizer.tokenize_example("tagging", "\u200d", "none")
    assert (nothing.positions, nothing.targets) == ((0,), (0.0,))
    assert label_tokenizer.decode("tagging", "\u200d", [1.0]) == "none"


def test_an_i_tag_without_a_b_tag_begins_a_span_and_a_new_type_another(label_tokenizer):
    assert label_tokenizer.decode("tagging", "a b c d", [2.0, 2.0, 4.0, 0.0]) == "PER: a b; LOC: c"
    assert label_tokenizer.decode("tagging", "a b c d", [0.0] * 4) == "none"


def test_labels_and_numbers_are_encoded_and_decoded(label_tokenizer):
    label = label_tokenizer.tokenize_example("classification", "the lion ran", "animal")
    assert (label.positions, label.targets) == (None, (1.0,))
    assert label_tokenizer.decode("classification", "the lion ran", label.targets) == "animal"
    number = label_tokenizer.tokenize_example("regression", "hot", "13")
    assert number.targets == (0.75,)
    assert label_tokenizer.decode("regression", "hot", number.targets) == "13"


def test_too_long_texts_are_cut_and_too_long_sentences_refused(label_tokenizer):
    long = "the lion " * 50
    assert len(label_tokenizer.tokenize_question("classification", long).ids) == 64
    with pytest.raises(
        AbreastError, match=r"102 tokens; model\.base reads at most 64, and all of a sentence is tagged"
    ):
        label_tokenizer.tokenize_question("tagging", long.strip())
    assert all(len(version.ids) <= 64 for version in label_tokenizer.split_text(long))


def test_each_token_is_masked_once_and_always_in_the_same_version(label_tokenizer):
    versions = label_tokenizer.split_text("the cat sat on the mat and the mice ran home")
    assert len(versions) == MASKED_VERSIONS
    whole = label_tokenizer.tokenizer("the cat sat on the mat and the mice ran home").input_ids
    masked = Counter(place for version in versions for place in version.positions)
    assert masked == Counter(range(1, len(whole) - 1))
    for version in versions:
        assert [whole[place] for place in version.positions] == list(version.targets)
        seen = [
            label_tokenizer.tokenizer.mask_token_id if n in version.positions else token
            for n, token in enumerate(whole)
        ]
        assert list(version.ids) == seen
    assert label_tokenizer.split_text("the cat sat on the mat and the mice ran home") == versions
    assert len(label_tokenizer.pick_piece("the cat", "x")) == 2
    assert label_tokenizer.pick_piece("", "x") == []
