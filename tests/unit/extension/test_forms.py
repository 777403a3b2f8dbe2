"""Dates kept as numbers or texts: by their values, else by what the comment says, else by the name."""

from __future__ import annotations

import pytest
from nl2sql_pg.forms import form_of

MS = ["1769904000000", "1772323200000"]
SECONDS = ["1769904000", "1772323200"]


@pytest.mark.parametrize(
    ("name", "kind", "values", "expected"),
    [
        ("create_time", "bigint", MS, "epoch_ms"),
        ("createTime", "bigint", [*MS, "0"], "epoch_ms"),
        ("login_at", "bigint", SECONDS, "epoch_s"),
        ("login_at", "integer", SECONDS, "epoch_s"),
        ("event_ts", "numeric(20,0)", ["1769904000000000"], "epoch_us"),
        ("order_date", "integer", ["20250331", "20240229", "99991231"], "YYYYMMDD"),
        ("order_date", "integer", ["20250231"], None),
        ("bill_month", "integer", ["202503", "202412"], "YYYYMM"),
        ("账期", "integer", ["202503"], None),  # may count anything: nothing says that it is a moment
        ("账单月份", "integer", ["202503"], "YYYYMM"),
        ("month", "text", ["2025-03", "2025-04", ""], "YYYY-MM"),
        ("月份", "character varying(7)", ["2025-03"], "YYYY-MM"),
        ("booked", "text", ["2025-03-31", "2025-04-01"], "YYYY-MM-DD"),
        ("booked", "text", ["2025-03-31", "unknown"], None),
        ("booked_day", "character(8)", ["20250331"], "YYYYMMDD"),
        ("code", "text", ["20250331"], None),
        ("account_no", "bigint", SECONDS, None),
        ("start_year", "integer", ["2024", "2025"], None),
        ("response_time", "bigint", ["120", "4500"], None),
        ("price", "numeric", SECONDS, None),
        ("created_at", "timestamp with time zone", ["2025-01-01"], None),
    ],
)
def test_by_values(name: str, kind: str, values: list[str], expected: str | None) -> None:
    assert form_of(name, kind, None, values) == expected


@pytest.mark.parametrize(
    ("name", "kind", "comment", "expected"),
    [
        ("create_time", "bigint", "创建时间 (time of creation), Unix epoch in milliseconds", "epoch_ms"),
        ("login_at", "bigint", "time of login, Unix epoch in seconds", "epoch_s"),
        ("gmt", "bigint", "更新时间，毫秒", "epoch_ms"),
        ("gmt", "bigint", "时间戳（秒）", "epoch_s"),
        ("seen", "bigint", "microseconds since the epoch", "epoch_us"),
        ("seen", "bigint", "unix time", "epoch_s"),
        ("seen", "bigint", "time stamp, 13 digits", "epoch_ms"),
        ("duration", "bigint", "time in milliseconds", None),
        ("load_time", "bigint", "elapsed time in milliseconds", None),
        ("play_time", "integer", "seconds", None),
        ("start", "integer", "the second date", None),
        ("booked", "integer", "date as yyyymmdd", "YYYYMMDD"),
        ("booked", "text", "day, YYYY-MM-DD", "YYYY-MM-DD"),
        ("bill_month", "integer", "month, e.g. 202503", "YYYYMM"),
        ("id", "bigint", "number of the row", None),
        ("created_ms", "bigint", None, "epoch_ms"),
        ("createTimeMillis", "bigint", None, "epoch_ms"),
        ("created_epoch", "bigint", None, "epoch_s"),
        ("login_at", "integer", None, "epoch_s"),
        ("login_at", "bigint", None, None),
        ("response_time_ms", "bigint", None, None),
        ("duration_ms", "bigint", None, None),
    ],
)
def test_by_words(name: str, kind: str, comment: str | None, expected: str | None) -> None:
    assert form_of(name, kind, comment, []) == expected


def test_values_count_for_more_than_words() -> None:
    assert form_of("created_ms", "bigint", "milliseconds since 1970", SECONDS) == "epoch_s"
