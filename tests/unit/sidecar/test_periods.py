"""What period a question counts from today, and the question without it."""

from __future__ import annotations

import pytest

from sidecar.periods import Dated, Period, named_period, read_dated


@pytest.mark.parametrize(
    ("question", "unit", "back", "rest"),
    [
        ("revenue by region last quarter", "quarter", 1, "revenue by region"),
        ("Show the total of last year's orders.", "year", 1, "Show the total of orders."),
        ("How many orders were placed in the last month?", "month", 1, "How many orders were placed?"),
        ("new customers this year, by segment", "year", 0, "new customers by segment"),
        ("this week: orders by channel", "week", 0, ": orders by channel"),
        ("orders for each month this year", "year", 0, "orders for each month"),
        ("What was sold yesterday?", "day", 1, "What was sold?"),
        ("orders above 100 this year by channel", "year", 0, "orders above 100 by channel"),
        ("customers older than 30 with orders last week", "week", 1, "customers older than 30 with orders"),
        ("上季度各渠道的占比", "quarter", 1, "各渠道的占比"),
        ("orders during the current month", "month", 0, "orders"),
        ("上季度各地区的收入", "quarter", 1, "各地区的收入"),
        ("上个月的订单有多少？", "month", 1, "订单有多少？"),
        ("今年每个月有多少订单？", "year", 0, "每个月有多少订单？"),
        ("去年有多少不同的客户下过单", "year", 1, "有多少不同的客户下过单"),
        ("在本周内发出的货运", "week", 0, "发出的货运"),
        ("昨天有多少订单", "day", 1, "有多少订单"),
        ("本年度的订单", "year", 0, "订单"),
        ("这个季度的退款", "quarter", 0, "退款"),
    ],
)
def test_one_period(question: str, unit: str, back: int, rest: str) -> None:
    assert read_dated(question) == Dated(Period(unit, back), rest)


@pytest.mark.parametrize(
    ("question", "unit", "length", "rest"),
    [
        ("orders of the last 30 days", "day", 30, "orders"),
        ("revenue by region in the past three months", "month", 3, "revenue by region"),
        ("orders over the past week", "week", 1, "orders"),
        ("average rating, previous 2 quarters", "quarter", 2, "average rating,"),
        ("最近7天的订单", "day", 7, "订单"),
        ("过去三个月每个地区的收入", "month", 3, "每个地区的收入"),
        ("近两年的退款总额", "year", 2, "退款总额"),
    ],
)
def test_up_to_today(question: str, unit: str, length: int, rest: str) -> None:
    assert read_dated(question) == Dated(Period(unit, length=length), rest)


@pytest.mark.parametrize(
    "question",
    [
        "how many orders are there",
        "orders of the last few months",
        "last year and this year",
        "orders since last year",
        "orders before this month",
        "growth over last quarter",
        "orders up to last month",
        "orders from last year onwards",
        "last year or earlier",
        "从上个月起的订单",
        "去年至今的订单",
        "今年以前的订单",
        "the last month of the year",
        "the last quarter of 2023",
        "orders of May last year",
        "students in their last year",
        "customers who did not order last month",
        "the second quarter last year",
        "stock as of today",
        "how old are the customers today",
        "去年上半年的订单",
        "去年3月的订单",
        "与去年同期相比",
        "截至今天的库存",
        "上个月未付款的订单",
        "今年比去年",
        "当前库存",
    ],
)
def test_none_or_more_than_one(question: str) -> None:
    assert named_period(question) is None
