"""What period a question counts from today, and the question without it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sidecar.periods import Dated, Period, named_period, read_dated


def without_done(question: str) -> Dated | None:
    dated = read_dated(question)
    return dated and replace(dated, period=replace(dated.period, done=None))


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
        ("Today’s orders by channel", "day", 0, "orders by channel"),
        ("上月的销售额", "month", 1, "销售额"),
        ("orders during the current month", "month", 0, "orders"),
        ("上季度各地区的收入", "quarter", 1, "各地区的收入"),
        ("上个月的订单有多少？", "month", 1, "订单有多少？"),
        ("今年每个月有多少订单？", "year", 0, "每个月有多少订单？"),
        ("去年有多少不同的客户下过单", "year", 1, "有多少不同的客户下过单"),
        ("在本周内发出的货运", "week", 0, "发出的货运"),
        ("昨天有多少订单", "day", 1, "有多少订单"),
        ("本年度的订单", "year", 0, "订单"),
        ("去年度销售额", "year", 1, "销售额"),
        ("Revenue by region (last quarter)", "quarter", 1, "Revenue by region"),
        ("Show the revenue for all of last year", "year", 1, "Show the revenue"),
        ("orders throughout last year", "year", 1, "orders"),
        ("这个季度的退款", "quarter", 0, "退款"),
    ],
)
def test_one_period(question: str, unit: str, back: int, rest: str) -> None:
    assert without_done(question) == Dated(Period(unit, back), rest)


@pytest.mark.parametrize(
    ("question", "unit", "length", "rest"),
    [
        ("orders of the last 30 days", "day", 30, "orders"),
        ("revenue by region in the past three months", "month", 3, "revenue by region"),
        ("orders over the past week", "week", 1, "orders"),
        ("average rating, last 2 quarters", "quarter", 2, "average rating,"),
        ("最近7天的订单", "day", 7, "订单"),
        ("过去三个月每个地区的收入", "month", 3, "每个地区的收入"),
        ("近两年的退款总额", "year", 2, "退款总额"),
        ("Show the last 3 months' orders by channel", "month", 3, "Show orders by channel"),
        ("过去30天内的订单", "day", 30, "订单"),
        ("近一个月以内的订单", "month", 1, "订单"),
    ],
)
def test_up_to_today(question: str, unit: str, length: int, rest: str) -> None:
    assert without_done(question) == Dated(Period(unit, length=length), rest)


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
        "revenue increase over last year by channel",
        "Is revenue up on last month?",
        "revenue by region against last year",
        "customers with double last year's orders",
        "Which employees left last year?",
        "orders placed late last year",
        "summer orders last year",
        "orders on Monday last week",
        "revenue on Black Friday last year",
        "morning orders yesterday",
        "How many customers are there today?",
        "customers who only ordered last year",
        "customers who ordered in each of the last 3 months",
        "return rate last month",
        "revenue per year over the past years",
        "last 0 days",
        "last sıx months orders",
        "上周周一的订单",
        "去年年底的订单数",
        "去年双十一的订单",
        "昨天上午的订单",
        "上个月订单增长了多少？",
        "今年销售额下降的产品",
        "今天的客户总数",
        "仅在今年购买的客户",
        "上个月退货率",
        "近一年半的订单数",
        "笔记本月销量前十的型号",
        "这个月饼的销量是多少",
        "收入减去年费后的金额",
        "orders since the start of last year",
        "customers who had signed up by the end of last year",
        "orders placed within 30 days of today",
        "orders through yesterday",
        "orders except for this month",
        "orders last month and the month before",
        "the first 10 days of last month",
        "first week of last month",
        "end of last month",
        "H1 last year",
        "customers whose birthday is this month",
        "orders of customers born in the 90s last month",
        "customers who haven’t ordered last month",
        "inactive customers last month",
        "customers with zero orders last month",
        "customers whose first order was last year",
        "what percentage of all orders were placed last month?",
        "total revenue and revenue this year by channel",
        "How many employees do we have today?",
        "orders in the previous 3 months",
        "sales of the last few months",
        "线上月度销售额趋势",
        "每个产品的成本月度变化",
        "超过去年平均值的订单",
        "工龄近三年的员工",
        "交货时间接近30天",
        "最近日期的订单",
        "近年来的订单",
        "上周一的订单",
        "上月底的订单",
        "上上个月的订单",
        "今年初的订单",
        "非今年的订单",
        "早于今年的订单",
        "去年、前年的订单",
        "去年首次下单的客户",
        "距今天30天以上的订单",
        "本月过生日的客户",
        "上个月无订单的客户",
        "上季度各渠道的占比",
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
