"""A plain attribute that is asked for and that no column can hold; words for it that columns have instead."""

from __future__ import annotations

from typing import Any

import pytest
from nl2sql_pg.doubting import absent, is_vague, unknown_words
from nl2sql_pg.unasked import read


def table(name: str, *columns: str, comment: str | None = None) -> dict[str, Any]:
    described = [
        {"name": column, "type": "date" if column.endswith("_on") else "text", "comment": None, "values": []}
        for column in columns
    ]
    return {"name": name, "comment": comment, "columns": described}


SHOPS = [
    table("shop", "shop_name", "opened_on", comment="店铺"),
    table("salesperson", "full_name", "shop_id"),
    table("sale", "amount", "sold_on"),
]


def missing(question: str, tables: list[dict[str, Any]]) -> str | None:
    return absent(read(question, {"tables": tables}, []), tables)


@pytest.mark.parametrize(
    ("question", "name"),
    [
        ("Order the salespeople by age.", "age"),
        ("What is the average age of the salespeople?", "age"),
        ("Which shops are profitable?", "profit"),
        ("shops by profit", "profit"),
        ("average salary per shop", "salary"),
        ("店铺的平均利润", "profit"),
    ],
)
def test_what_no_column_can_hold(question: str, name: str) -> None:
    assert missing(question, SHOPS) == name


@pytest.mark.parametrize(
    ("question", "tables"),
    [
        ("Order the shops by age", SHOPS),
        ("Order the salespeople by age.", [table("salesperson", "birthday")]),
        ("Order the salespeople by age.", [table("salesperson", "year_of_birth")]),
        ("Which shops are profitable?", [table("shop", "revenue", "costs")]),
        ("average salary per shop", [table("shop", "name"), table("staff", "monthly_pay")]),
        ("Order the salespeople by age.", [table("mitarbeiter", "gebdat")]),
        ("店铺的平均利润", [table("店铺", "收入", "成本")]),
        ("Order the shops by name", SHOPS),
        ("Which stage of the sale takes longest?", SHOPS),
    ],
)
def test_what_something_stands_for(question: str, tables: list[dict[str, Any]]) -> None:
    assert missing(question, tables) is None


def test_a_question_of_other_things() -> None:
    told = {"tables": SHOPS}
    assert unknown_words(read("How many people are asleep right now?", told, []))
    assert not unknown_words(read("How many shops are open right now?", told, []))


def test_tables_in_another_language_say_nothing_of_a_missing_word() -> None:
    told = {"tables": [table("企业", "登记状态"), table("街道", "面积")]}
    assert not unknown_words(read("How many companies are still active?", told, []))


@pytest.mark.parametrize(
    ("question", "vague"),
    [
        ("Show shops.", True),
        ("the shops, please", True),
        ("show all shops", False),
        ("List shops", False),
        ("Show shops by name", False),
        ("查看店铺", True),
        ("店铺有多少", False),
        ("店铺总数", False),
    ],
)
def test_a_table_and_nothing_else(question: str, vague: bool) -> None:
    told = {"tables": [*SHOPS, table("店铺", "面积")]}
    assert is_vague(read(question, told, [])) is vague


def test_a_column_by_its_full_name_is_known() -> None:
    told = {"tables": [table("t", "inner_many", "x")]}
    assert not unknown_words(read("inner_many", told, []))
    assert not unknown_words(read("what is in inner_lists", told, [])), "a part of the name is enough"
