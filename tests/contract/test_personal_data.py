import pytest

from abreast.contract.personal_data import find_personal_data

# Numbers made for tests by the card schemes, or made up here with right check digits; none belongs to a person.
FOUND = [
    ("Write to jane.doe+news@mail.example.org, please.", "a mail address"),
    ("mailto:x@sub.example.co.uk", "a mail address"),
    ("Paid with 4111 1111 1111 1111.", "a payment card number"),
    ("Paid with 4111-1111-1111-1111", "a payment card number"),
    ("Paid with 5555555555554444 today", "a payment card number"),
    ("amex 3782 822463 10005", "a payment card number"),
    ("IBAN DE89 3704 0044 0532 0130 00", "a bank account number (IBAN)"),
    ("GB29NWBK60161331926819", "a bank account number (IBAN)"),
    ("SSN 536-90-4399", "a national identity number (us ssn)"),
    ("her social security number is 536904399", "a national identity number (us ssn)"),
    ("RCCMNL83S18D969H", "a national identity number (it codicefiscale)"),
    ("11010519491231002X", "a national identity number (cn ric)"),
    ("CPF 390.533.447-05", "a national identity number (br cpf)"),
    ("AHV 756.9217.0769.85", "a national identity number (ch ssn)"),
    ("hetu 131052-308T", "a national identity number (fi hetu)"),
    ("PESEL: 44051401359", "a national identity number (pl pesel)"),
    ("DNI 54362315K", "a national identity number (es dni)"),
    ("Steuer-ID 36 574 261 809", "a national identity number (de idnr)"),
    ("his BSN is 912345603", "a national identity number (nl bsn)"),
]
CLEAN = [
    "3.12.2",
    "2028-10-31",
    "16.0.5487.1000",
    "2024-04-01T12:30:00Z",
    "1712000000000",
    "20240401123000",
    "git@github.com:owner/name.git",
    "see package@1.2.3",
    "meet @ noon",
    "4111 1111 1111 1112",
    "5555555555554445",
    "build 536904399",
    "order 44051401359 of 54362315K",
    "192.168.100.200",
    "+49 30 901820",
    "ISBN 978-3-16-148410-0",
    "DE00 3704 0044 0532 0130 00",
    "550e8400-e29b-41d4-a716-446655440000",
    "sha256:4111111111111111aaaa",
    "v4111111111111111.2",
]


@pytest.mark.parametrize(("text", "kind"), FOUND)
def test_personal_data_is_found(text, kind):
    assert find_personal_data(text) == kind


@pytest.mark.parametrize("text", CLEAN)
def test_other_numbers_pass(text):
    assert find_personal_data(text) is None


def test_bare_digits_as_a_value_need_a_word():
    assert find_personal_data("5555555555554444", is_value=True) is None
    assert (
        find_personal_data("5555555555554444", context="customer/17/credit card", is_value=True)
        == "a payment card number"
    )
    assert find_personal_data("5555 5555 5555 4444", is_value=True) == "a payment card number"


def test_a_kind_never_repeats_the_data():
    for text, _ in FOUND:
        assert not any(
            word in find_personal_data(text) for word in text.split() if any(c.isdigit() or c == "@" for c in word)
        )
