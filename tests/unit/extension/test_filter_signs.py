"""What names and comments say of rows that do not count: rules of comments, proposals by name, and neither."""

from __future__ import annotations

from typing import Any

import pytest
from nl2sql_pg.filter_signs import signs

from tests.support.shop import shop_body

MOMENT = "timestamp with time zone"


def column(name: str, type_: str, comment: str | None = None, *values: str, not_null: bool = False) -> dict[str, Any]:
    return {"name": name, "type": type_, "comment": comment, "values": [], "samples": [*values], "not_null": not_null}


def table(*columns: dict[str, Any], comment: str | None = None) -> dict[str, Any]:
    return {"schema": "s", "name": "t", "comment": comment, "columns": [*columns]}


RULES = [
    (
        column("deleted_at", MOMENT, "set: it was deleted and no longer counts in any figure"),
        None,
        "deleted_at IS NULL",
    ),
    (column("x_ts", MOMENT, "set: it was deleted, never count it"), None, None),
    (column("x_ts", MOMENT, "set: deleted, must be excluded from all reports"), None, "x_ts IS NULL"),
    (column("approved_at", MOMENT, "null: not approved yet and not counted"), None, "approved_at IS NOT NULL"),
    (column("deleted_at", MOMENT), "Deleted orders never count.", "deleted_at IS NULL"),
    (column("deleted_at", MOMENT), "rows with deleted_at set must be excluded", "deleted_at IS NULL"),
    (column("deleted_at", MOMENT), "already; always filter on deleted_at IS NULL", "deleted_at IS NULL"),
    (column("deleted_at", MOMENT), "已删除的订单不计入统计", "deleted_at IS NULL"),
    (column("is_active", "boolean", not_null=True), "inactive employees are not counted", "is_active"),
    (column("active", "boolean"), "only active customers count", "active"),
    (column("is_active", "boolean", "false: left, must be excluded from headcount"), None, "is_active"),
    (column("is_test", "boolean", "test accounts should always be excluded", not_null=True), None, "NOT is_test"),
    (column("is_sample", "boolean", "sample orders are never counted"), None, "is_sample IS NOT TRUE"),
    (
        column("sts", "text", "cancelled orders do not count", "paid", "cancelled"),
        None,
        "sts IS DISTINCT FROM 'cancelled'",
    ),
    (column("sts", "text", None, "paid", "void", not_null=True), "void ones do not count", "sts <> 'void'"),
    (column("st", "character(1)", "A active, D deleted. Deleted rows never count"), None, "st IS DISTINCT FROM 'D'"),
    (column("status", "text"), "only rows with status = 'active' count", "status = 'active'"),
    (column("void_flag", "integer"), "rows where void_flag = 1 are ignored", "void_flag IS DISTINCT FROM 1"),
    (column("作废标志", "smallint", "1表示作废，作废单据不统计"), None, '"作废标志" IS DISTINCT FROM 1'),
]


@pytest.mark.parametrize(("given", "comment", "condition"), [rule for rule in RULES if rule[2]])
def test_rules_of_comments(given: dict[str, Any], comment: str | None, condition: str) -> None:
    (sign,) = signs(table(given, comment=comment))
    assert (sign.condition, sign.rule) == (condition, True)
    assert sign.note and sign.reason


NAMES = [
    (column("deleted_at", MOMENT), "deleted_at IS NULL"),
    (column("is_deleted", "boolean"), "is_deleted IS NOT TRUE"),
    (column("is_deleted", "boolean", not_null=True), "NOT is_deleted"),
    (column("del_flag", "integer"), "COALESCE(del_flag, 0) = 0"),
    (column("del_flg", "character(1)", None, "N", "Y"), "del_flg = 'N'"),
    (column("del_flg", "character(1)", "删除标记 0正常 1删除"), "del_flg IS DISTINCT FROM '1'"),
    (column("act", "character(1)", None, "Y", "N"), "act = 'Y'"),
    (column("is_active", "boolean"), "is_active"),
    (column("有效", "boolean"), '"有效"'),
    (column("valid_to", "date"), "valid_to IS NULL OR valid_to > current_date"),
]


@pytest.mark.parametrize(("given", "condition"), NAMES)
def test_proposals_by_name(given: dict[str, Any], condition: str) -> None:
    (sign,) = signs(table(given))
    assert (sign.condition, sign.rule) == (condition, False)
    assert sign.score < 0.9


SILENT = [
    column("amount", "numeric", "amount, tax not included"),
    column("n", "integer", "count does not include returns"),
    column("discount", "numeric", "must not be included in revenue"),
    column("vat_date", "date", "must not be counted as the sale date"),
    column("order_date", "date", "day of the order, cancelled orders are not counted"),
    column("created_at", MOMENT, "not null"),
    column("deleted_at", MOMENT, not_null=True),
    column("cnt", "integer", "stock count"),
    column("active_users", "integer"),
    column("delivery", "boolean"),
    column("prod_dt", "date", "production day (a night shift counts for the day it began)"),
]


@pytest.mark.parametrize("given", SILENT, ids=lambda given: str(given["name"]))
def test_what_says_nothing(given: dict[str, Any]) -> None:
    assert signs(table(given)) == []


def test_a_rule_for_two_columns_is_for_neither() -> None:
    """Deleted by which of them?"""
    both = table(column("deleted_at", MOMENT), column("is_deleted", "boolean"), comment="deleted rows never count")
    assert not [sign for sign in signs(both) if sign.rule]


def test_the_demo_has_no_rule() -> None:
    assert not [sign for given in shop_body()["tables"] for sign in signs(given) if sign.rule]
