"""What fits a prompt: best tables first, of wide ones the columns that serve."""

from __future__ import annotations

from typing import Any

from nl2sql_pg.budget import WIDE, estimate_tokens, fit, stems


def column(name: str, comment: str | None = None) -> dict[str, Any]:
    return {"name": name, "type": "text", "comment": comment, "values": [], "samples": []}


def table(name: str, columns: list[dict[str, Any]], refers_to: str | None = None) -> dict[str, Any]:
    keys = [{"columns": ["parent"], "schema": "s", "table": refers_to, "references": ["code"]}] if refers_to else []
    return {
        "schema": "s",
        "name": name,
        "comment": None,
        "columns": columns,
        "primary_key": ["id"],
        "foreign_keys": keys,
    }


def names(found: dict[str, Any]) -> list[str]:
    return [column["name"] for column in found["columns"]]


FILLERS = [column(f"filler_{n}") for n in range(30)]
BIG = table(
    "big", [*FILLERS, column("wages_paid"), column("x9", "wages of the year"), column("parent"), column("id")], "o"
)


def test_what_fits_stays_as_it_is() -> None:
    assert fit([BIG], "wages", 10_000) == [BIG]


def test_useful_columns_of_a_wide_table_stay() -> None:
    """Keys, and columns whose names or comments have words of the question; then the first ones, in their order."""
    (cut,) = fit([BIG], "which wage was paid", 10)
    assert len(names(cut)) == WIDE
    assert names(cut) == [f"filler_{n}" for n in range(WIDE - 4)] + ["wages_paid", "x9", "parent", "id"]
    assert len(names(BIG)) == 34, "the table given is not changed"


def test_columns_that_others_refer_to_stay() -> None:
    other = table("o", [*FILLERS, column("code"), column("id")])
    cut = fit([other, BIG], "nothing", 250)[0]
    assert {"code", "id"} <= set(names(cut))


def test_narrow_tables_lose_nothing() -> None:
    narrow = table("n", FILLERS[:WIDE])
    assert fit([narrow], "wages", 10) == [narrow]


def test_as_many_first_tables_as_there_is_room_for() -> None:
    tables = [table(f"t{n}", FILLERS[:3]) for n in range(9)]
    assert fit(tables, "", 4 * estimate_tokens(tables[0])) == tables[:4]
    assert fit(tables, "", 1) == tables[:1]


def test_a_cut_table_makes_room() -> None:
    tables = [BIG, table("next", FILLERS[:3])]
    room = sum(map(estimate_tokens, tables)) - 10
    assert [found["name"] for found in fit(tables, "wages", room)] == ["big", "next"]


def test_stems() -> None:
    assert stems("customerOrders of THE customers") == {"custo", "order", "the"}
    assert stems("订单金额") == {"订单", "单金", "金额"}
