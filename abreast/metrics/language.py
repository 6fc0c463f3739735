"""The language of a text, as far as its script shows it."""

import unicodedata
from collections import Counter

_CALLED = {
    "cjk": "chinese",
    "ideographic": "chinese",
    "hiragana": "japanese",
    "katakana": "japanese",
    "hangul": "korean",
}
_LATIN = "latin"
_ENOUGH = 0.2


def language(text: str) -> str:
    """`chinese`, `japanese`, `korean`, or the name of the script: `latin`, `cyrillic`, `arabic`, `greek` and so on.

    Scripts are those of the letters' Unicode names. Only scripts are distinguished: English, German and Vietnamese are
    all `latin`, Russian and Ukrainian `cyrillic`. Names of products are often Latin in texts that are not, so the most
    frequent other script counts if at least a fifth of the letters are of it. Chinese characters with any kana
    among them are Japanese. A text without letters is `none`.
    """
    found = Counter(_script(letter) for letter in unicodedata.normalize("NFKC", text) if letter.isalpha())
    if found["japanese"]:
        found["japanese"] += found.pop("chinese", 0)
    others = Counter({script: count for script, count in found.items() if script != _LATIN})
    letters = found.total()
    if others:
        script, count = min(others.items(), key=lambda pair: (-pair[1], pair[0]))
        if count >= _ENOUGH * letters:
            return script
    return _LATIN if letters else "none"


def _script(letter: str) -> str:
    name = unicodedata.name(letter, "other").split()[0].lower().split("-")[0]
    return _CALLED.get(name, name)
