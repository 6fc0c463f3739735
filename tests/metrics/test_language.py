import pytest

from abreast.metrics.language import language


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("When does Python 3.12 end?", "latin"),
        ("Wann läuft die Unterstützung ab?", "latin"),
        ("Когда выйдет PostgreSQL 18?", "cyrillic"),
        ("PostgreSQL 18 的最新版本是什么？", "chinese"),
        ("最新バージョンは何ですか", "japanese"),
        ("최신 버전은 무엇입니까", "korean"),
        ("ما هو أحدث إصدار", "arabic"),
        ("ποια είναι η έκδοση", "greek"),
        ("Ｐｙｔｈｏｎ", "latin"),
        ("the sign π is used in mathematics", "latin"),
        ("3.12 → 4!", "none"),
        ("", "none"),
    ],
)
def test_by_its_letters(text, wanted):
    assert language(text) == wanted


def test_a_fifth_of_the_letters_is_enough():
    assert language("abcd中") == "chinese"
    assert language("abcde中") == "latin"
