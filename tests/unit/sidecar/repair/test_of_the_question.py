"""Rules that look at the question: what it says of time, lengths, digits and shares, and codes for its words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from sidecar.guard.check import check
from sidecar.guard.grammar import written
from sidecar.guard.scope import Column, Scope, Table
from sidecar.repair.repair import Repaired, repair
from tests.support.shop import shop_scope, statements

HERE = Path(__file__).parent
STOPS = Table(
    "shop",
    "stops",
    "table",
    (
        Column("stop_id", "integer"),
        Column("began", "timestamp without time zone"),
        Column("ended", "timestamp with time zone"),
    ),
)
SHOP = replace(shop_scope(), tables=(*shop_scope().tables, STOPS))
PAIRS = [line.split(";") for line in statements(HERE / "question" / "pairs.txt")]
LEFT = [line.split(";") for line in statements(HERE / "question" / "left.txt")]


@pytest.mark.parametrize(("rule", "question", "given", "expected"), PAIRS)
def test_rule(rule: str, question: str, given: str, expected: str) -> None:
    repaired = repair(given, SHOP, question=question)
    assert written(repaired.sql) == written(expected)
    assert repaired.notes or repaired.refined
    assert check(expected, SHOP).sql == written(expected)
    assert repair(repaired.sql, SHOP, question=question).sql == repaired.sql


@pytest.mark.parametrize(("rule", "_question", "given", "expected"), PAIRS)
def test_only_for_such_a_question(rule: str, _question: str, given: str, expected: str) -> None:
    assert repair(given, SHOP, question="how many are there").sql == given


@pytest.mark.parametrize(("question", "sql"), LEFT)
def test_left_as_it_is(question: str, sql: str) -> None:
    assert repair(sql, SHOP, question=question).sql == sql


CODES = ("CNCL", "REL", "TECO")
ORDERS = Table(
    "mes",
    "orders",
    "table",
    (
        Column("no", "integer"),
        Column("sts", "character varying(4)", stored=CODES),
        Column("role", "character(1)", comment="C customer, V carrier, B both; empty: unknown", stored=("B", "C", "V")),
        Column("big", "character(1)", comment="Y=规模以上企业 N=规模以下", stored=("Y", "N")),
    ),
)
TEXTS = Table(
    "mes",
    "code",
    "table",
    (
        Column("dom", "text", stored=("STS", "UOM")),
        Column("cd", "text", stored=(*CODES, "KG")),
        Column("txt", "text", stored=("Cancelled", "Released", "Technically complete", "kilogram")),
    ),
)
MES = Scope(("mes",), (ORDERS, TEXTS))


@dataclass(frozen=True)
class Found:
    """A stored value that the question names."""

    schema: str
    table: str
    column: str
    value: str
    phrase: str
    complete: bool = True


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("sts = 'Cancelled'", "sts IN (SELECT cd FROM code WHERE txt = 'Cancelled')"),
        ("sts <> 'Cancelled'", "NOT sts IN (SELECT cd FROM code WHERE txt = 'Cancelled')"),
        (
            "sts IN ('Cancelled', 'Released')",
            "sts IN (SELECT cd FROM code WHERE txt IN ('Cancelled', 'Released'))",
        ),
        ("role = 'customer'", "role = 'C'"),
        ("role IN ('Carrier', 'both')", "role IN ('V', 'B')"),
        ("big = '规模以上企业'", "big = 'Y'"),
    ],
)
def test_the_code_for_a_text(condition: str, expected: str) -> None:
    repaired = repair(f"SELECT no FROM orders WHERE {condition}", MES)
    assert written(repaired.sql) == written(f"SELECT no FROM orders WHERE {expected}")
    assert "codes" in repaired.notes[0]


@pytest.mark.parametrize("condition", ["sts = 'CNCL'", "sts = 'no such'", "role = 'C'", "sts IN ('CNCL', 'Released')"])
def test_what_is_stored_or_nowhere_stays(condition: str) -> None:
    sql = f"SELECT no FROM orders WHERE {condition}"
    assert repair(sql, MES).sql == sql


def test_a_text_that_the_question_was_found_to_name() -> None:
    texts = Table("mes", "code", "table", (TEXTS.columns[1], Column("txt", "text")))
    scope = Scope(("mes",), (ORDERS, texts))
    sql = "SELECT no FROM orders WHERE sts = 'Cancelled'"
    assert repair(sql, scope) == Repaired(sql, doubts=("'Cancelled' is none of the values of orders.sts",))
    found = repair(sql, scope, (Found("mes", "code", "txt", "Cancelled", "cancelled"),))
    assert "SELECT cd FROM code" in found.sql


def test_a_stated_period_of_a_date_that_is_kept_as_a_number() -> None:
    given = "select id from hr.readings where raised_ms = '2026-02-01'"
    bound = "CAST(EXTRACT(EPOCH FROM CAST('{}' AS TIMESTAMPTZ)) * 1000 AS BIGINT)"
    first, after = bound.format("2026-02-01"), bound.format("2026-03-01")
    assert repair(given, SHOP, question="readings raised in February 2026").sql == (
        f"SELECT id FROM hr.readings WHERE raised_ms >= {first} AND raised_ms < {after}"
    )
