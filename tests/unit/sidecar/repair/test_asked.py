"""Where several tables would do, the one that the question speaks of."""

from __future__ import annotations

import pytest

from sidecar.repair.repair import Repaired, repair
from tests.support.shop import shop_scope

LOST = "SELECT full_name, COUNT(*) FROM orders GROUP BY full_name"


@pytest.mark.parametrize("table", ["customers", "employees"])
def test_a_column_of_two_tables_along_the_keys(table: str) -> None:
    repaired = repair(LOST, shop_scope(), question=f"orders by the names of {table}")
    assert f"JOIN {table} ON {table}." in repaired.sql


@pytest.mark.parametrize("question", ["", "orders by name", "orders of customers by employees"])
def test_nothing_says_which(question: str) -> None:
    assert repair(LOST, shop_scope(), question=question) == Repaired(LOST)
