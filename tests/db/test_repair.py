"""PostgreSQL has the last word on repair: what a rule changes was invalid, what it makes of it is valid."""

from __future__ import annotations

import re
from pathlib import Path

import psycopg

from tests.conftest import Connection
from tests.support.shop import statements

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "tests" / "unit" / "sidecar" / "repair"
LEFT_ALONE, UNTOUCHED = (statements(FIXTURES / f"{name}.txt") for name in ("left_alone", "untouched"))
# No error to the server: half a key, one of two, a key for a name, a misspelt value, a count of ones, one group,
# periods, dates kept otherwise, days without their end, an order by letters, amounts that a join repeats, or what it
# refuses no sooner than it runs.
MEND_WHAT_IS_VALID = {
    *("half_key", "two_keys", "named_key", "value_spelling", "pointless_count", "constant_group", "dating"),
    *("stored_date", "whole_days", "enum_as_text", "repeated_amount", "loose_text", "outer_reference"),
}
PAIRS = [
    (*line.split(";")[-2:], path.stem not in MEND_WHAT_IS_VALID)
    for path in sorted(FIXTURES.glob("*.txt"))
    for line in statements(path)
    if ";" in line
]


# What PostgreSQL takes from 16 on: the function, and a subquery without a name.
SINCE_16 = re.compile(r"any_value\(|from \(select [^()]*(\([^()]*\)[^()]*)*\) where")


def refused(connection: Connection, sql: str) -> bool:
    try:
        connection.execute(f"explain {sql}".encode())
    except psycopg.Error as error:
        # a name, a type, a grouping, a literal, a collation: not a slip of the fixture
        assert (error.sqlstate or "").startswith("42") or error.sqlstate in ("22P02", "22007", "0A000"), error
        return True
    return False


def test_pairs(odd_shop: Connection) -> None:
    assert len(PAIRS) >= 40
    for given, expected, was_invalid in PAIRS:
        if odd_shop.info.server_version >= 160_000 and SINCE_16.search(given):
            was_invalid = False
        assert refused(odd_shop, given) or not was_invalid, given
        assert not refused(odd_shop, expected), expected


def test_what_is_left_alone_is_invalid(odd_shop: Connection) -> None:
    assert [sql for sql in LEFT_ALONE if not refused(odd_shop, sql)] == []


def test_what_is_untouched_is_valid(odd_shop: Connection) -> None:
    assert [sql for sql in UNTOUCHED if refused(odd_shop, sql)] == []
