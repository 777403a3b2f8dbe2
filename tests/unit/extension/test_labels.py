"""What names the rows of a table, from names, types, keys and comments."""

from __future__ import annotations

import pytest
from nl2sql_pg.labels import LabelColumn, infer

# table (comment): columns; `*` the key, `+` unique, `>` refers to a table, `#` no text; a comment in brackets.
TABLES = [
    ("city: city_id*# city name population#", "city"),
    ("sys_account: id*# account name", "account"),
    ("staff: staff_id*# email+ full_name", "full_name"),
    ("user: userId*# displayName group", "displayName"),
    ("supplier: supplier_id*# supplier_name country", "supplier_name"),
    ("department: dno*# dname location", "dname"),
    ("club: clubid*# clubname", "clubname"),
    ("mes_machine: mach_id* mach_nm sts_cd", "mach_nm"),
    ("customers: custid*# cust_name town", "cust_name"),
    ("hr_operator: pers_no*# pers_nm role_cd", "pers_nm"),
    ("mm_material: matnr* mat_txt mat_typ mat_grp uom", "mat_txt"),
    ("dim_product_category: id*# category_name colour", "category_name"),
    ("bp (business partners): bp_id*# partner_name seg", "partner_name"),
    ("player: id*# first_name last_name title", "first_name last_name"),
    ("guests: guest_id*# guest_first_name guest_last_name", "guest_first_name guest_last_name"),
    ("student: stuid*# lname fname age#", "fname lname"),
    ("list: lastname* firstname* grade#", "firstname lastname"),
    ("film: film_id*# title description rating", "title"),
    ("t002 (工厂 (plants)): f01* f02[工厂名称 (plant name)] f03[所在国家 (country)]", "f02"),
    ("t003 (batches): f01*# f02[name of the responsible engineer] f03[batch name]", "f03"),
    ("部门: 部门编号* 部门名称 简称 上级部门>", "部门名称"),
    ("行业代码: 代码* 行业名称 门类名称", "行业名称"),
    ("人员: 工号*# 姓名 电话", "姓名"),
    ("shpt: shpt_id*# shpt_no+ origin mode", "shpt_no"),
    ("account: account_id*# email+ created#", "email"),
    ("member: id*# code+ email+ town", "code"),
    ("ref_types: type_code* type_description", "type_description"),
    ("colour: id*# shade", "shade"),
    # nothing says so
    ("delivery: delivery_id*# supplier_name placed#", ""),
    ("order_items: item_no*# order_id# product_id# product_name quantity#", ""),
    ("order: orderId*# userId# limit# from# desc", ""),
    ("reviews: review_id*# product_id# review_text rating#", ""),
    ("orders: id*# note", ""),
    ("problem: problem_id*# product_id# reported# closed# problem_description", ""),
    ("trip: id*# start_station_name end_station_name", ""),
    ("rates: id*# supplier_name> valid#", ""),
    ("session: session_id*# opened#", ""),
    ("keys: a+ b+", ""),
]


def columns(text: str) -> list[LabelColumn]:
    head, _, rest = text.partition(": ")
    table, _, about = head.partition(" (")
    found, comment = [], ""
    for part in _parts(rest):
        part, _, comment = part.partition("[")
        name = part.rstrip("*+>#")
        marks = part[len(name) :]
        found.append((name, marks, comment.rstrip("]") or None))
    size = sum("*" in marks for _, marks, _ in found)
    return [
        LabelColumn(
            *(1, "s", table, about.removesuffix(")") or None, number, name, comment, "#" not in marks, "+" in marks),
            *(size if "*" in marks else 0, ">" in marks, None),
        )
        for number, (name, marks, comment) in enumerate(found, 1)
    ]


def _parts(text: str) -> list[str]:
    """Columns; blanks in a comment part none."""
    parts: list[str] = []
    for word in text.split(" "):
        if parts and parts[-1].count("[") > parts[-1].count("]"):
            parts[-1] += f" {word}"
        else:
            parts.append(word)
    return parts


@pytest.mark.parametrize(("table", "expected"), TABLES, ids=[table for table, _ in TABLES])
def test_inferred(table: str, expected: str) -> None:
    assert " ".join(column.name for column in infer(columns(table))) == expected
