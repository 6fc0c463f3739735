"""Personal data in text: mail addresses, payment card numbers, bank accounts and national identity numbers.

A number counts only if its format and its check digits are valid. Numbers without a distinctive format (bare digits)
count only where a word before them names them; see `find_personal_data`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module

_MAIL = re.compile(
    r"(?<![\w.+-])[\w.%+-]{1,64}@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]{2,24}"
    r"(?![\w-]|\.\w|:[\w/])"
)
_IBAN = re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?!\w)")
_CARD_IN_GROUPS = re.compile(
    r"(?<![\w.-])(?:\d{4}([ -])\d{4}\1\d{4}\1\d{4}|3[47]\d{2}([ -])\d{6}\2\d{5})(?![\w-]|\.\d)"
)
_CARD_BARE = re.compile(r"(?<![\w.+-])\d{14,19}(?![\w-]|\.\d)")
_ISSUER = re.compile(
    r"4(?:\d{15}|\d{18})$|(?:5[1-5]|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720)\d*$|3[47]\d{13}$|3(?:0[0-5]|[68]\d)\d{11}$"
    r"|(?:6011|64[4-9]|65)\d*$|35(?:2[89]|[3-8]\d)\d{12}$|62\d{14,17}$"
)
_CARD_WORD = re.compile(r"\b(?:card|visa|master ?card|amex|american express|credit|debit|pan)\b", re.IGNORECASE)
_ID_WORD = re.compile(
    r"\b(?:identity|identification|national|social security|insurance|citizen|tax(?:payer)?|ssn|sin|bsn|nhs|pesel|idnr|"
    r"steuer-?id|dni|nie|nir|cpf|aadhaar|personnummer|codice fiscale|curp|cpr|passport)\b",
    re.IGNORECASE,
)
_NEAR = 48


@dataclass(frozen=True)
class _NationalId:
    """A kind of identity number: its pattern, and the module of python-stdnum that validates its check digits.

    `is_distinctive`: the pattern alone identifies it, no word before it is needed.
    """

    module: str
    pattern: re.Pattern[str]
    is_distinctive: bool

    def is_valid(self, number: str) -> bool:
        return import_module(f"stdnum.{self.module}").is_valid(number)


def _bounded(pattern: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w.-])(?:{pattern})(?![\w-]|\.\d)")


_NATIONAL_IDS = (
    _NationalId("us.ssn", _bounded(r"\d{3}-\d{2}-\d{4}"), True),
    _NationalId("cn.ric", _bounded(r"[1-9]\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])[0-3]\d\d{3}[\dX]"), True),
    _NationalId("it.codicefiscale", _bounded(r"[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]"), True),
    _NationalId("mx.curp", _bounded(r"[A-Z]{4}\d{6}[HM][A-Z]{5}[A-Z0-9]\d"), True),
    _NationalId("fi.hetu", _bounded(r"\d{6}[-+A]\d{3}[0-9A-Y]"), True),
    _NationalId("se.personnummer", _bounded(r"(?:19|20)?\d{6}[-+]\d{4}"), True),
    _NationalId("kr.rrn", _bounded(r"\d{6}-[1-8]\d{6}"), True),
    _NationalId("br.cpf", _bounded(r"\d{3}\.\d{3}\.\d{3}-\d{2}"), True),
    _NationalId("be.nn", _bounded(r"\d{2}\.\d{2}\.\d{2}-\d{3}\.\d{2}"), True),
    _NationalId("ch.ssn", _bounded(r"756\.\d{4}\.\d{4}\.\d{2}"), True),
    _NationalId("in_.aadhaar", _bounded(r"[2-9]\d{3} \d{4} \d{4}"), True),
    _NationalId("fr.nir", _bounded(r"[12] \d{2} (?:0[1-9]|1[0-2]) \d{2} \d{3} \d{3} \d{2}"), True),
    _NationalId("fr.nir", _bounded(r"[12]\d{2}(?:0[1-9]|1[0-2])\d{10}"), False),
    _NationalId("us.ssn", _bounded(r"\d{9}"), False),
    _NationalId("es.dni", _bounded(r"\d{8}-?[A-Z]"), False),
    _NationalId("es.nie", _bounded(r"[XYZ]-?\d{7}-?[A-Z]"), False),
    _NationalId("gb.nhs", _bounded(r"\d{3} ?\d{3} ?\d{4}"), False),
    _NationalId("de.idnr", _bounded(r"\d{2} ?\d{3} ?\d{3} ?\d{3}"), False),
    _NationalId("nl.bsn", _bounded(r"\d{9}"), False),
    _NationalId("pl.pesel", _bounded(r"\d{11}"), False),
    _NationalId("ca.sin", _bounded(r"\d{3}[ -]?\d{3}[ -]?\d{3}"), False),
    _NationalId("br.cpf", _bounded(r"\d{11}"), False),
    _NationalId("in_.aadhaar", _bounded(r"[2-9]\d{11}"), False),
)
_MAY_HOLD = re.compile(r"@|\d{4}|\d{2}[ .A-Z-]\d")


def find_personal_data(text: str, context: str = "", is_value: bool = False) -> str | None:
    """The kind of personal data in a text, such as "a payment card number"; None if there is none.

    Args:
        told: words outside the text that may name its numbers, such as the key of the fact.
        terse: the text is a value rather than a sentence: then even a bare card number needs such a word, so that
            build numbers and the like pass.
    """
    return next((kind for kind, _ in _matches(text, context, is_value)), None)


def personal_data_in(text: str, context: str = "", is_value: bool = False) -> list[str]:
    """Each piece of personal data, as written in the text; the arguments are those of `find_personal_data`."""
    return [value for _, value in _matches(text, context, is_value)]


def _matches(text: str, context: str, is_value: bool) -> Iterator[tuple[str, str]]:
    from stdnum import iban, luhn

    if not _MAY_HOLD.search(text):
        return
    for match in _MAIL.finditer(text):
        yield "a mail address", match[0]
    for match in _IBAN.finditer(text):
        if iban.is_valid(match[0]):
            yield "a bank account number (IBAN)", match[0]
    for pattern, is_distinctive in ((_CARD_IN_GROUPS, True), (_CARD_BARE, not is_value)):
        for match in pattern.finditer(text):
            number = re.sub(r"[ -]", "", match[0])
            if (
                _ISSUER.match(number)
                and luhn.is_valid(number)
                and (is_distinctive or _is_announced(_CARD_WORD, text, match, context))
            ):
                yield "a payment card number", match[0]
    for kind in _NATIONAL_IDS:
        for match in kind.pattern.finditer(text):
            if (kind.is_distinctive or _is_announced(_ID_WORD, text, match, context)) and kind.is_valid(match[0]):
                yield f"a national identity number ({kind.module.replace('_', '').replace('.', ' ')})", match[0]


def _is_announced(word: re.Pattern[str], text: str, match: re.Match[str], context: str) -> bool:
    """Whether a word shortly before the match, or in the context, names the number."""
    return bool(word.search(text[max(0, match.start() - _NEAR) : match.start()]) or word.search(context))
