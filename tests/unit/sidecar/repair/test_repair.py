"""What can't bind is put right, rule by rule; what binds comes back as it was; what can't be mended is left alone."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from sidecar.api.serving import MENDABLE
from sidecar.errors import SidecarError
from sidecar.guard.check import check
from sidecar.guard.grammar import written
from sidecar.guard.scope import Scope
from sidecar.repair.repair import Repaired, repair
from tests.support.shop import shop_scope, statements

HERE = Path(__file__).parent
RULES = sorted(path.stem for path in (Path(__file__).parents[4] / "sidecar" / "repair" / "rules").glob("[a-z]*.py"))
# Rules that look at the question or at stored values have tests of their own.
NEEDS_MORE = {
    *("value_spelling", "named_key", "enum_order", "guessed_epoch"),
    *("code_of_text", "stated_dates", "duration_unit", "whole_division", "asked_digits", "nulls_last"),
    "either_way",
}
# Reading and binding are no rules, but come before all of them.
FILES = [*(rule for rule in RULES if rule not in NEEDS_MORE), "reading", "outer_reference"]
PAIRS = [(rule, *line.split(";")) for rule in FILES for line in statements(HERE / f"{rule}.txt")]
GUARD = HERE.parent / "guard"


def refused(sql: str) -> bool:
    """Whether the guard stops it, for what may be put right."""
    try:
        check(sql, shop_scope())
    except SidecarError as error:
        assert error.sqlstate in MENDABLE
        return True
    return False


def mended(sql: str) -> Repaired:
    return repair(sql, shop_scope(), refused=refused(sql))


@pytest.mark.parametrize(("rule", "given", "expected"), PAIRS)
def test_rule(rule: str, given: str, expected: str) -> None:
    repaired = mended(given)
    assert written(repaired.sql) == written(expected)
    assert repaired.notes or repaired.refined


@pytest.mark.parametrize(("rule", "given", "expected"), PAIRS)
def test_what_was_mended_passes_the_guard_and_stays(rule: str, given: str, expected: str) -> None:
    assert check(expected, shop_scope()).sql == written(expected)
    assert replace(repair(expected, shop_scope()), doubts=()) == Repaired(expected)


def test_every_rule_has_its_pairs() -> None:
    assert len(RULES) >= 8
    assert {rule for rule, *_ in PAIRS} == set(FILES)


@pytest.mark.parametrize("sql", statements(HERE / "untouched.txt") + statements(GUARD / "legitimate.txt"))
def test_a_statement_that_binds_is_untouched(sql: str) -> None:
    assert replace(mended(sql), doubts=()) == Repaired(sql)


@pytest.mark.parametrize("sql", statements(HERE / "left_alone.txt"))
def test_left_alone(sql: str) -> None:
    """Better no repair than a guess, and none than half a one."""
    assert replace(mended(sql), doubts=()) == Repaired(sql)


@pytest.mark.parametrize(
    "sql",
    ["", "select", "no sql at all (", "select 1; select 2", "select " + "(" * 3000, "select a.b.c.d.e from t", "\x00"],
)
def test_never_raises(sql: str) -> None:
    assert repair(sql, shop_scope()) == Repaired(sql)
    assert repair(sql, Scope(("public",))) == Repaired(sql)


def test_hostile_statements_never_become_another() -> None:
    """The guard's refusals other than an unknown table are not for repair, but must not upset it either."""
    for line in statements(GUARD / "hostile.txt"):
        repaired = repair(line.split(" ", 1)[1], shop_scope())
        if repaired.notes and passes(repaired.sql):
            assert line.split(" ")[0] in MENDABLE, repaired


def passes(sql: str) -> bool:
    try:
        return bool(check(sql, shop_scope()).sql)
    except SidecarError:
        return False


def test_many_repairs_end() -> None:
    """One statement with more wrong in it than is worth mending."""
    sql = "SELECT " + ", ".join(f"custmer_id AS c{n}" for n in range(40)) + " FROM orders"
    assert repair(sql, shop_scope()) == Repaired(sql)


def test_sums_of_sums_end() -> None:
    """Each of the queries names the one before twice: two to the power of thirty, were every way followed."""
    queries = ["c0 AS (SELECT total_amount AS x FROM orders)"]
    queries += [f"c{n} AS (SELECT x + x AS x FROM c{n - 1})" for n in range(1, 31)]
    sql = f"WITH {', '.join(queries)} SELECT SUM(x) FROM c30 WHERE x > 0"
    began = time.monotonic()
    assert repair(sql, shop_scope()) == Repaired(sql)
    assert time.monotonic() - began < 20
