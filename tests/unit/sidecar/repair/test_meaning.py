"""Two texts that PostgreSQL reads alike are one, whatever their spelling; all others are two."""

from __future__ import annotations

import pytest

from sidecar.repair.meaning import understood

ALIKE = [
    ("select interval '3' year", "select interval '3 YEAR'"),
    ("select interval '3 days'", "select '3 DAYS'::interval"),
    ("select date_trunc('MONTH', now())", "select date_trunc('month', current_timestamp)"),
    ("select extract(year from d) from t", "select extract(YEAR FROM d) from t"),
    ("select a not in (1, 2) from t", "select not a in (1, 2) from t"),
    ("select a not like 'x' from t", "select not a like 'x' from t"),
    ("select a !~ 'x' from t", "select not a ~ 'x' from t"),
    ("select a not between 1 and 2 from t", "select not a between 1 and 2 from t"),
    ("select a is not true from t", "select not a is true from t"),
    ("select a ^ 2 from t", "select power(a, 2) from t"),
    ("select substr(a, 2) from t", "select substring(a from 2) from t"),
    ("select a from t order by a desc nulls first", "select a from t order by a desc"),
    ("select a::int from t", "select cast(a as integer) from t"),
    # what the guard would refuse by its name anyhow
    ("select ifnull(a, 0) from t", "select coalesce(a, 0) from t"),
    ("select a::datetime from t", "select a::timestamp from t"),
    ("select (nvl(a, 1))::interval year from t", "select (coalesce(a, 1))::interval year from t"),
]
DIFFERENT = [
    ("select interval '1 day 03:45'", "select interval '1 day'"),
    ("select interval '3 days ago'", "select interval '3 days'"),
    ("select interval '1' day", "select interval '1' hour"),
    ("select interval '1.5' year", "select interval '1.5 year'"),
    ("select emb <=> 'x' from t", "select emb is not distinct from 'x' from t"),
    ("select a is not null from t", "select not a is null from t"),
    ("select a is not true from t", "select not a from t"),
    ("select a <> 1 from t", "select not a = 1 from t"),
    ("select date_part('year', d) from t", "select extract(year from d) from t"),
    ("select substr(a, b) from t", "select substring(a from b) from t"),
    ("select log10(a) from t", "select log(10, a) from t"),
    ("select a from t order by a desc nulls last", "select a from t order by a desc"),
    ("select 'Month'", "select 'month'"),
    ("select a from t", "select a, b from t"),
    ("select (", "select ("),
]


@pytest.mark.parametrize(("one", "other"), ALIKE)
def test_alike(one: str, other: str) -> None:
    assert understood(one, other)
    assert understood(one, one)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_different(one: str, other: str) -> None:
    assert not understood(one, other)
