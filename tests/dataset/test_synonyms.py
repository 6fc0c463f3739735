from abreast.dataset.synonyms import synonym_variants
from abreast.dataset.templates import load_templates
from tests.dataset.test_templates import DEFAULT


def test_one_word_at_a_time_and_no_placeholder():
    words = {"newest": ["latest", "most recent"], "release": ["version"]}
    assert synonym_variants("Newest release of {release} {newest}?", words) == [
        "Latest release of {release} {newest}?",
        "Most recent release of {release} {newest}?",
        "Newest version of {release} {newest}?",
    ]


def test_whole_words_but_anywhere_in_chinese():
    assert synonym_variants("Renewest newestness", {"newest": ["latest"]}) == []
    assert synonym_variants("fin de l'été?", {"été": ["saison"]}) == ["fin de l'saison?"]
    assert synonym_variants("étéra", {"été": ["saison"]}) == []
    assert synonym_variants("最新版本是什么?", {"版本": ["发行版"]}) == ["最新发行版是什么?"]
    assert synonym_variants("what is it?", {}) == []


def test_templates_are_taught_with_their_synonyms_but_never_with_what_is_asked(tmp_path):
    path = tmp_path / "t.yaml"
    entry = "{train: ['Dose of {drug}?', 'The dose of {drug}?'], dev: ['Amount of {drug}?'], test: ['{drug}?']}"
    path.write_text("synonyms: {dose: [amount, quantity]}\nfields:\n  dose: " + entry + "\n" + DEFAULT)
    (taught, default) = (load_templates(path).fields[field] for field in ("dose", "default"))
    assert taught.train == (
        "Dose of {drug}?",
        "The dose of {drug}?",
        "Quantity of {drug}?",
        "The amount of {drug}?",
        "The quantity of {drug}?",
    )
    assert (taught.dev, taught.test) == (("Amount of {drug}?",), ("{drug}?",))
    assert default.train == ("What is {key}?",)
