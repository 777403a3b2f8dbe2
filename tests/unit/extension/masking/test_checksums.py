"""The checks of each kind, beside a plain account of the same rule, and with every digit changed."""

from __future__ import annotations

import pytest
from nl2sql_pg.masking.card import is_card, luhn
from nl2sql_pg.masking.iban import is_iban
from nl2sql_pg.masking.phone import is_international, is_mobile_china
from nl2sql_pg.masking.resident_id import is_resident_id
from nl2sql_pg.masking.ssn import is_ssn

CARD, RESIDENT, IBAN = "4539578763621486", "11010519491231002X", "GB29NWBK60161331926819"


def others(text: str, place: int) -> list[str]:
    return [text[:place] + digit + text[place + 1 :] for digit in "0123456789" if digit != text[place]]


def test_luhn_finds_every_wrong_digit() -> None:
    assert luhn(CARD)
    assert not [wrong for place in range(len(CARD)) for wrong in others(CARD, place) if luhn(wrong)]


def test_luhn_as_it_is_defined() -> None:
    for number in range(2000):
        digits = f"{number:04}"
        doubled = [int(d) * 2 if place % 2 == 0 else int(d) for place, d in enumerate(digits)]
        assert luhn(digits) == (sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0)


def test_a_resident_id_with_a_wrong_digit() -> None:
    assert is_resident_id(RESIDENT)
    assert not [wrong for place in range(17) for wrong in others(RESIDENT, place) if is_resident_id(wrong)]


def test_an_iban_with_a_wrong_digit() -> None:
    assert is_iban(IBAN)
    digits = [place for place, character in enumerate(IBAN) if character.isdigit()]
    assert not [wrong for place in digits for wrong in others(IBAN, place) if is_iban(wrong)]


@pytest.mark.parametrize("digits", ["0000000000000000", "1111111111111117", "9999999999999995", "4111111111111"])
def test_no_issuer(digits: str) -> None:
    assert not is_card(digits)


@pytest.mark.parametrize("area", ["000", "666", "900", "999"])
def test_areas_that_are_not_given_out(area: str) -> None:
    assert not is_ssn(area, "12", "3456")
    assert is_ssn("665", "12", "3456")


def test_telephone_plans() -> None:
    assert not is_mobile_china("12812345678")
    assert not is_mobile_china("1381234567")
    assert is_international("14155552671")
    assert not is_international("11155552671")
    assert not is_international("15000000")
    assert not is_international("25000000000")
