"""What repair takes a condition on a date to mean is what PostgreSQL says it means, day by day."""

from __future__ import annotations

from datetime import date

import pytest
import sqlglot

from sidecar.repair.days import hold
from tests.conftest import Connection

CONDITIONS = [
    "d >= date_trunc('quarter', current_date) - interval '3 months' AND d < date_trunc('quarter', current_date)",
    "d >= date_trunc('week', current_date) AND d < date_trunc('week', current_date) + interval '1 week'",
    "d BETWEEN current_date - interval '1 month' AND current_date",
    "d BETWEEN current_date - 7 AND current_date + 1",
    "d > current_timestamp - interval '1 year' OR d = '2024-01-31'",
    "extract(year from d) = extract(year from current_date) - 1",
    "extract(quarter from d) = extract(quarter from current_date) AND extract(month from d) <> 3",
    "date_trunc('month', d) = date_trunc('month', current_date - interval '1 month')",
    "(extract(day from d) <= 5) AND cast(d AS date) >= date '2023-06-01'",
    "d < date_trunc('year', current_date) + interval '13 months'",
    "d <= cast(current_timestamp AS date)",
]
TODAYS = [date(2024, 2, 29), date(2025, 1, 1), date(2023, 12, 31), date(2025, 3, 31)]


@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("kind", ["date", "timestamp"])
def test_days(odd_shop: Connection, condition: str, kind: str) -> None:
    tree = sqlglot.parse_one(condition, read="postgres")
    step = "1 day" if kind == "date" else "9 hours"
    for today in TODAYS:
        asked = condition.replace("current_date", f"date '{today}'").replace(
            "current_timestamp", f"timestamp '{today} 12:00'"
        )
        rows = odd_shop.execute(
            f"select d::timestamp, {asked} from (select day::{kind} as d from "
            f"generate_series(date '{today}' - 500, date '{today}' + 500, '{step}') as day) as days".encode()
        ).fetchall()
        assert [(moment, hold([tree], today, moment)) for moment, _ in rows] == rows
        assert len({held for _, held in rows}) == 2
