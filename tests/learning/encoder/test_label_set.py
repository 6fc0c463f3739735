import pytest

from abreast.core.errors import AbreastError
from abreast.learning.encoder.label_set import Labels, Scale, extend_labels
from abreast.learning.encoder.saved_heads import Heads, read_heads
from tests.learning.encoder.label_project import examples_of

pytestmark = pytest.mark.model


def test_new_labels_are_appended_and_the_order_stays():
    first = extend_labels(Labels(), examples_of([("classification", "x", "rose"), ("classification", "y", "ant")]))
    assert first.classification == ("ant", "rose")
    second = extend_labels(first, examples_of([("classification", "z", label) for label in ("bee", "rose", "aster")]))
    assert second.classification == ("ant", "rose", "aster", "bee")
    assert second.rows() == {"classification": 4}


def test_each_new_span_type_appends_two_tags():
    first = extend_labels(Labels(), examples_of([("tagging", "Ada is in Rome", "PER: Ada; LOC: Rome")]))
    assert first.tagging == ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")
    second = extend_labels(
        first, examples_of([("tagging", "Ada owes BASF", "PER: Ada; ART: BASF"), ("tagging", "it is", "none")])
    )
    assert second.tagging == (*first.tagging, "B-ART", "I-ART")
    assert extend_labels(Labels(), examples_of([("tagging", "it is", "none")])).tagging == ("O",)


def test_the_scale_stays_that_of_the_first_numbers():
    first = extend_labels(Labels(), examples_of([("regression", "x", "1"), ("regression", "y", "5")]))
    assert first.regression == Scale(mean=3.0, deviation=2.0)
    assert extend_labels(first, examples_of([("regression", "z", "1000")])) == first
    alike = extend_labels(Labels(), examples_of([("regression", "x", "7"), ("regression", "y", "7")]))
    assert alike.regression == Scale(mean=7.0, deviation=1.0)
    with pytest.raises(AbreastError, match=r"data/train\.jsonl: .*: 'many' is not a number"):
        extend_labels(Labels(), examples_of([("regression", "x", "many")]))


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
