import pytest

from abreast.core.errors import AbreastError
from abreast.learning.encoder.folder import Heads, read_heads
from abreast.learning.encoder.labels import Labels, Scale, grown
from tests.learning.encoder.line import lessons


def test_labels_grow_behind_what_there_is_and_keep_their_order():
    first = grown(Labels(), lessons([("classification", "x", "rose"), ("classification", "y", "ant")]))
    assert first.classification == ("ant", "rose")
    second = grown(first, lessons([("classification", "z", label) for label in ("bee", "rose", "aster")]))
    assert second.classification == ("ant", "rose", "aster", "bee")
    assert second.rows() == {"classification": 4}


def test_each_type_of_span_has_two_tags_behind_those_there_are():
    first = grown(Labels(), lessons([("tagging", "Ada is in Rome", "PER: Ada; LOC: Rome")]))
    assert first.tagging == ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")
    second = grown(first, lessons([("tagging", "Ada owes BASF", "PER: Ada; ART: BASF"), ("tagging", "it is", "none")]))
    assert second.tagging == (*first.tagging, "B-ART", "I-ART")
    assert grown(Labels(), lessons([("tagging", "it is", "none")])).tagging == ("O",)


def test_the_scale_is_that_of_the_first_numbers_for_ever():
    first = grown(Labels(), lessons([("regression", "x", "1"), ("regression", "y", "5")]))
    assert first.regression == Scale(mean=3.0, deviation=2.0)
    assert grown(first, lessons([("regression", "z", "1000")])) == first
    alike = grown(Labels(), lessons([("regression", "x", "7"), ("regression", "y", "7")]))
    assert alike.regression == Scale(mean=7.0, deviation=1.0)
    with pytest.raises(AbreastError, match=r"data/train\.jsonl: .*: 'many' is no number"):
        grown(Labels(), lessons([("regression", "x", "many")]))


def test_a_damaged_folder_is_named(tmp_path):
    with pytest.raises(AbreastError, match=r"not the model folder of an encoder: heads\.json is missing"):
        read_heads(tmp_path)
    Heads(Labels(classification=("a", "b"))).write(tmp_path)
    with pytest.raises(AbreastError, match=r"heads\.safetensors: cannot be read"):
        read_heads(tmp_path)
    (tmp_path / "heads.json").write_text('{"classes": []}')
    with pytest.raises(AbreastError, match=r"heads\.json: classes: "):
        read_heads(tmp_path)


def test_without_any_row_there_is_only_the_list(tmp_path):
    Heads().write(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["heads.json"]
    assert read_heads(tmp_path) == Heads()
