"""Free text in, masked text out: tables of texts, hostile ones, and what has to hold for any."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest
from nl2sql_pg.masking import free_text
from nl2sql_pg.masking.card import is_card
from nl2sql_pg.masking.free_text import findings, kinds, mask, mask_sensitive

CASES = Path(__file__).with_name("cases")
KINDS = sorted(path.stem for path in CASES.glob("*.tsv"))
PAIRS = [
    (kind, *line.split("\t"))
    for kind in KINDS
    for line in (CASES / f"{kind}.tsv").read_text(encoding="utf-8").splitlines()
]
UNTOUCHED = (CASES / "untouched.txt").read_text(encoding="utf-8").splitlines()


def test_there_is_a_table_for_each_kind() -> None:
    assert KINDS == ["card", "email", "iban", "ip", "name", "passport", "phone", "resident_id", "ssn"]
    assert len(PAIRS) > 100
    assert len(UNTOUCHED) > 80


@pytest.mark.parametrize(("kind", "given", "expected"), PAIRS)
def test_found_and_masked(kind: str, given: str, expected: str) -> None:
    assert kinds(given) == [kind]
    assert mask_sensitive(given) == expected
    assert mask_sensitive(expected) == expected


@pytest.mark.parametrize("text", UNTOUCHED)
def test_no_false_alarm(text: str) -> None:
    assert kinds(text) == []
    assert mask_sensitive(text) == text


def test_all_of_it_in_one_text() -> None:
    text = "，".join(given for _, given, _ in PAIRS)
    masked = mask(text)
    assert set(kinds(text)) == set(KINDS)
    assert mask(masked) == masked
    assert not {"13812345678", "4111111111111111", "bob.smith", "11010519491231002X"} & set(masked.split("，"))


def test_the_surer_finding_wins() -> None:
    """A card number after the word for a telephone, an identity number whose first digits are a telephone's."""
    assert mask("tel 4111 1111 1111 1111") == "tel ****-****-****-1111"
    assert kinds("姓名：13812345678@example.com") == ["email"]


PIECES = (
    [given for _, given, _ in PAIRS]
    + list("@:：=*-_. ()+'\"\n\t\x00é😀１＠·•X9")
    + [
        "**",
        "****",
        "name",
        "姓名",
        "客户",
        "tel ",
        "ssn ",
        "passport ",
        "12",
        "345",
        "6789",
        "::",
        "\u200b",
        "\u202e",
        "ﷺ",
    ]
)


def test_masking_again_changes_nothing() -> None:
    pick = random.Random(20)
    for _ in range(4000):
        text = "".join(pick.choices(PIECES, k=pick.randint(1, 7)))
        masked = mask(text)
        assert mask(masked) == masked, text


def digit_for(prefix: str) -> str:
    """The last digit that makes it pass Luhn's check."""
    total = sum(sum(divmod(int(c) * (2 if i % 2 == 0 else 1), 10)) for i, c in enumerate(reversed(prefix)))
    return str(-total % 10)


def chain(links: int) -> str:
    """Cards of which the last four digits start the next one: each round of masking finds one more."""
    groups = ["4111", "1111", "1111", "400" + digit_for("411111111111400")]
    for _ in range(links):
        start = groups[-1] + "00000000"
        last = "400" + digit_for(start + "400")
        groups += ["0000", "0000", last]
    return " ".join(groups)


def test_a_chain_of_cards_is_masked_in_whole() -> None:
    text = chain(50)
    groups = text.split()
    assert all(is_card("".join(groups[place : place + 4])) for place in range(0, len(groups) - 3, 3))
    masked = mask(text)
    assert mask(masked) == masked
    assert kinds(masked) == []


HOSTILE = [
    "a",
    "1",
    "1 ",
    "1-",
    "@",
    "a@",
    "a@b.",
    "a.",
    "::",
    "1:",
    "a:",
    "name:",
    "name: a ",
    "姓名：",
    "姓名：张",
    "客户张",
]
HOSTILE += [
    "先生",
    "张先生",
    "Mr ",
    "Mr. A",
    "passport ",
    "护照号码 ",
    "+",
    "+1 ",
    "(",
    "4111 ",
    "1.1.1.1.",
    "DE89 3704 ",
    "AA00 ",
]
HOSTILE += [
    "a" * 63 + ".",
    "x@" + "a-" * 30,
    "\u3000",
    "１",
    "é@",
    "😀",
    "Dr A ",
    "=",
    "张·",
    "415-555-2671-",
    " " * 40 + ":",
    "f::",
]


@pytest.mark.parametrize("unit", HOSTILE)
def test_time_is_linear(unit: str) -> None:
    """100 000 characters take what they take in good time: a pattern that backtracks would take minutes."""
    text = (unit * (100_000 // len(unit) + 1))[:100_000]
    started = time.process_time()
    mask_sensitive(text)
    assert time.process_time() - started < 3


def test_long_texts_are_cut() -> None:
    """What is not looked at is not shown."""
    grown = "a@b.co " * 142_000
    assert len(grown) < free_text.LONGEST < len(mask(grown))
    masked = mask_sensitive(grown)
    assert masked.endswith(free_text.CUT)
    assert len(masked.encode()) <= free_text.LONGEST
    assert mask_sensitive(masked) == masked


def test_what_is_odd_is_no_error() -> None:
    for text in (
        "",
        " ",
        "\x00",
        "\ud800",
        "é" * 10,
        "\U0010ffff@\U0010ffff",
        "１" * 40,
        "²³¹⁴⁵⁶⁷⁸⁹⁰¹²³⁴⁵⁶",
        "0" * 5000,
    ):
        assert isinstance(mask_sensitive(text), str)


def test_a_fault_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one place where a fault is made up: none is known."""

    def broken(text: str) -> str:
        raise ValueError(text)

    monkeypatch.setattr(free_text, "fold", broken)
    assert mask_sensitive("客户 13812345678") == free_text.FAILED


def test_places_are_those_of_the_text() -> None:
    text = "ａ１ 手机１３８１２３４５６７８ ok"
    (found,) = findings(text)
    assert text[found.start : found.end] == "１３８１２３４５６７８"
