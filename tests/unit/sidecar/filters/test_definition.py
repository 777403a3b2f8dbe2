"""What may be a standing condition, and where its columns stand in it."""

from __future__ import annotations

import pytest

from sidecar.errors import SidecarError
from sidecar.filters.definition import define
from sidecar.guard.scope import Column, Table

TABLE = Table("sales", "order", "table", (Column("End", "date"), Column("amount", "numeric"), Column("naïve", "text")))
TAKEN = {
    '"End" is null -- for now': '"End" IS NULL',
    '"order"."End" is null and sales."order".amount>0': '"End" IS NULL AND amount > 0',
    "naïve <> 'é' AND amount BETWEEN 1 AND 2": "\"naïve\" <> 'é' AND amount BETWEEN 1 AND 2",
    '"End" > current_date - 7 or "End" is null': '"End" > (current_date - 7) OR "End" IS NULL',
}
# What nl2sql.suggest_filters() writes.
SUGGESTED = [
    "amount IS NOT TRUE",
    "NOT amount",
    "amount",
    "amount = 1",
    "COALESCE(amount, 0) = 0",
    "amount IS DISTINCT FROM '1'",
    "amount <> 'void'",
    "amount NOT IN ('a', 'b')",
    "amount IS NULL OR amount NOT IN ('a', 'b')",
    '"End" IS NULL',
    '"End" IS NOT NULL',
    '"End" IS NULL OR "End" > current_date',
]
REFUSED = [
    ("true", "22023"),
    ("amount > 0 limit 1", "22023"),
    ("amount > 0 order by 1", "22023"),
    ("amount > 0 union all select 1", "22023"),
    ("amount > 0; select 1", "NL401"),
    ("amount > 0) or (true", "NL404"),
    ("amount > (select 0)", "22023"),
    ("amount in (select 1 from sales.other)", "NL402"),
    ("amount > gen_random_uuid()::text::int", "22023"),
    ("end_ is null", "42703"),
    ("other.amount > 0", "42703"),
    ('"order" is null', "42703"),
    ("ctid is null", "NL405"),
    ("pg_sleep(1) is null", "NL403"),
    ("amount > $1", "NL405"),
    ("", "NL404"),
]


@pytest.mark.parametrize(("given", "text"), TAKEN.items())
def test_taken(given: str, text: str) -> None:
    found = define(given, TABLE, 150_000)
    assert found.text == text
    assert len(found.parts) == len(found.columns) + 1
    assert define(found.text, TABLE, 150_000) == found


@pytest.mark.parametrize("given", SUGGESTED)
def test_what_is_suggested_is_taken(given: str) -> None:
    assert define(given, TABLE, 150_000).columns


@pytest.mark.parametrize(("given", "sqlstate"), REFUSED)
def test_refused(given: str, sqlstate: str) -> None:
    with pytest.raises(SidecarError) as refused:
        define(given, TABLE, 150_000)
    assert refused.value.sqlstate == sqlstate
    assert refused.value.fields()["detail"] and refused.value.fields()["hint"]
