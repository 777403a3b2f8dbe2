"""Which questions speak of the rows that a standing condition leaves out."""

from __future__ import annotations

import pytest

from sidecar.filters.asked import spoken_of
from sidecar.glossary.words import gloss
from sidecar.guard.scope import Column, Filter, Table

TABLE = Table(
    "s",
    "invoice",
    "table",
    (
        Column("deleted_at", "timestamptz", comment="set: the invoice was deleted and never counts"),
        Column("is_active", "boolean"),
        Column("status", "text", samples=("paid", "cancelled", "closed")),
        Column("zx", "char(1)", comment="注销标志"),
        Column("del_flg", "char(1)"),
        Column("删除标记", "integer"),
        Column("valid_to", "date"),
        Column("is_test", "boolean"),
    ),
)
GONE, ACTIVE, NO_TEST = "deleted_at IS NULL", "is_active", "NOT is_test"
SPOKEN = [
    (GONE, "total including deleted invoices"),
    (GONE, "How many invoices were deleted last month?"),
    (GONE, "number of deletions by day"),
    (GONE, "invoices removed in May"),
    (GONE, "not only the open but also the deleted invoices"),
    (GONE, "已删除的发票有多少"),
    (GONE, "包括已删除的发票的总金额"),
    ("del_flg = '0'", "deleted invoices"),
    ('"删除标记" = 0', "删除的发票"),
    ("zx = '0'", "已注销的发票"),
    (ACTIVE, "inactive invoices"),
    (ACTIVE, "all that are not active"),
    (ACTIVE, "those no longer active"),
    (ACTIVE, "停用的有多少"),
    ("status <> 'cancelled'", "how many cancelled invoices"),
    ("status <> 'cancelled'", "已取消的发票"),
    ("status = 'paid'", "closed invoices"),
    ("valid_to IS NULL OR valid_to > current_date", "former prices"),
    ("valid_to IS NULL OR valid_to > current_date", "历史价格"),
    (NO_TEST, "how many test invoices"),
    (NO_TEST, "invoices including demo accounts"),
]
SILENT = [
    (GONE, "How many invoices are there?"),
    (GONE, "deliveries per month"),
    (GONE, "invoices without the deleted ones"),
    (GONE, "invoices that were not deleted"),
    (GONE, "undeleted invoices"),
    (GONE, "total amount, deleted invoices excluded"),
    (GONE, "发票有多少"),
    (GONE, "未删除的发票"),
    (GONE, "不包括已删除的发票"),
    (ACTIVE, "active invoices"),
    (ACTIVE, "有效的发票"),
    (ACTIVE, "invoices by activity"),
    ("status <> 'cancelled'", "paid invoices"),
    ("valid_to IS NULL OR valid_to > current_date", "invoices of the past 3 months"),
    (NO_TEST, "how many accounts"),
    (NO_TEST, "total including tax"),
]


def spoken(condition: str, question: str) -> str | None:
    return spoken_of(question, gloss(question), TABLE, Filter(condition, "demo accounts never count"))


@pytest.mark.parametrize(("condition", "question"), SPOKEN)
def test_spoken_of(condition: str, question: str) -> None:
    word = spoken(condition, question)
    assert word and word in question.lower()


@pytest.mark.parametrize(("condition", "question"), SILENT)
def test_not_spoken_of(condition: str, question: str) -> None:
    assert spoken(condition, question) is None
