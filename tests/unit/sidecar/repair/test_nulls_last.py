"""Where the greatest of what is computed comes first, rows without a value come last."""

from __future__ import annotations

import pytest

from sidecar.repair.repair import repair
from tests.support.shop import shop_scope

TOOK = "SELECT shipment_id, delivered_date - shipped_date AS took FROM shipments"


@pytest.mark.parametrize(
    "sql",
    [
        f"{TOOK} ORDER BY took DESC LIMIT 3",
        f"{TOOK} ORDER BY 2 DESC LIMIT 3",
        f"{TOOK} ORDER BY delivered_date - shipped_date DESC LIMIT 3",
    ],
)
def test_computed(sql: str) -> None:
    found = repair(sql, shop_scope())
    assert found.sql == sql.replace("DESC", "DESC NULLS LAST")
    assert found.refined
    assert not found.notes, "the model did nothing wrong"


@pytest.mark.parametrize(
    "sql",
    [
        f"{TOOK} ORDER BY took DESC NULLS LAST LIMIT 3",
        f"{TOOK} ORDER BY took LIMIT 3",
        f"{TOOK} ORDER BY took DESC",
        "SELECT shipment_id FROM shipments ORDER BY delivered_date DESC LIMIT 3",
        "SELECT order_id FROM order_items ORDER BY quantity * unit_price DESC LIMIT 3",
        "SELECT carrier FROM shipments GROUP BY carrier ORDER BY COUNT(*) DESC LIMIT 1",
        "SELECT carrier FROM shipments GROUP BY carrier ORDER BY AVG(delivered_date - shipped_date) DESC LIMIT 1",
    ],
)
def test_left_alone(sql: str) -> None:
    assert repair(sql, shop_scope()).sql == sql
