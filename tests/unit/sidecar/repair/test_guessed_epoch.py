"""Numbers that a model reckoned from a date, beside the question that states it."""

from __future__ import annotations

from datetime import date

import pytest

from sidecar.repair.repair import Repaired, repair
from sidecar.repair.stated import stated_date
from tests.support.shop import shop_scope


@pytest.mark.parametrize(
    ("question", "unit", "first"),
    [
        ("Which accounts were created in February 2026?", "month", date(2026, 2, 1)),
        ("请列出2026年2月创建的账户", "month", date(2026, 2, 1)),
        ("logins on 2026-03-02", "day", date(2026, 3, 2)),
        ("logins on March 2, 2026", "day", date(2026, 3, 2)),
        ("logins of 2 Mar 2026", "day", date(2026, 3, 2)),
        ("2026年3月2日的登录", "day", date(2026, 3, 2)),
        ("logins in 2025", "year", date(2025, 1, 1)),
        ("2025年的登录", "year", date(2025, 1, 1)),
    ],
)
def test_stated(question: str, unit: str, first: date) -> None:
    found = stated_date(question)
    assert found and (found.unit, found.day) == (unit, first)


@pytest.mark.parametrize(
    "question",
    ["", "logins after 2025", "2025年以前的登录", "logins in 2024 and 2025", "logins of 30 February 2026", "order 123"],
)
def test_not_stated(question: str) -> None:
    assert stated_date(question) is None


@pytest.mark.parametrize(
    "condition",
    [
        "raised_ms >= 1677040000000 AND raised_ms < 1677040000000 + 2592000",
        "raised_ms BETWEEN 1677040000000 AND 1680000000000",
        "raised_ms >= 1677040000",
    ],
)
def test_the_date_of_the_question(condition: str) -> None:
    start = "SELECT id FROM hr.readings WHERE "
    bounds = [
        f"CAST(EXTRACT(EPOCH FROM CAST('{day}' AS TIMESTAMPTZ)) * 1000 AS BIGINT)"
        for day in ("2026-02-01", "2026-03-01")
    ]
    expected = f"{start}raised_ms >= {bounds[0]} AND raised_ms < {bounds[1]}"
    assert repair(start + condition, shop_scope(), (), "readings raised in February 2026").sql == expected
    assert repair(expected, shop_scope(), (), "readings raised in February 2026") == Repaired(expected)
