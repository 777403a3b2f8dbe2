"""Do two results hold the same answer?

Names and order of columns don't count, their number does (a lenient comparison allows further columns). Rows are a
bag; their order counts only where the gold asked for one, and among equal sort keys not even there. Numbers are equal
within a relative 1e-5, a timestamp at midnight equals its date, and NULL equals only NULL.
"""

from __future__ import annotations

import datetime
import decimal
import json
import math
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

Cell = None | bool | int | float | str
Row = tuple[Cell, ...]
Span = tuple[int, int]

RELATIVE, ABSOLUTE = 1e-5, 1e-9
MOST_MAPPINGS = 2000
WHOLE_DECIMAL, WHOLE_FLOAT = 10**30, 1e15  # beyond, whole numbers are kept as floats: their digits mean nothing


def normal_rows(rows: Sequence[Sequence[Any]]) -> list[Row]:
    return [tuple(normal(value) for value in row) for row in rows]


def normal(value: Any) -> Cell:
    """A value of any type as one of few that can be compared."""
    match value:
        case None | bool() | int():
            return value
        case str():
            return value.rstrip(" ")
        case float() | decimal.Decimal():
            return normal_number(value)
        case datetime.datetime():
            return normal_moment(value)
        case datetime.date() | datetime.time():
            return value.isoformat()
        case datetime.timedelta():
            return value.total_seconds()
        case bytes() | bytearray() | memoryview():
            return bytes(value).hex()
        case list() | tuple():
            return json.dumps([normal(item) for item in value], default=str)
        case dict():
            return json.dumps(value, sort_keys=True, default=str)
        case _:
            return str(value)


def normal_number(value: float | decimal.Decimal) -> Cell:
    if math.isnan(value):
        return "NaN"
    if isinstance(value, float):
        return int(value) if value.is_integer() and abs(value) < WHOLE_FLOAT else value
    whole = value.is_finite() and value == value.to_integral_value() and abs(value) < WHOLE_DECIMAL
    return int(value) if whole else float(value)


def normal_moment(value: datetime.datetime) -> str:
    if value.tzinfo is not None:
        value = value.astimezone(datetime.UTC).replace(tzinfo=None)
    return value.date().isoformat() if value.time() == datetime.time(0) else value.isoformat(sep=" ")


def same_cell(left: Cell, right: Cell) -> bool:
    if isinstance(left, bool) or isinstance(right, bool):
        return left is right
    if isinstance(left, int | float) and isinstance(right, int | float):
        return left == right or math.isclose(left, right, rel_tol=RELATIVE, abs_tol=ABSOLUTE)
    return type(left) is type(right) and left == right


def same_row(left: Row, right: Row) -> bool:
    return len(left) == len(right) and all(map(same_cell, left, right))


def same_bag(left: Sequence[Row], right: Sequence[Row]) -> bool:
    """Whether both hold the same rows, as often each."""
    if len(left) != len(right):
        return False
    return Counter(left) == Counter(right) or all(map(same_row, sorted(left, key=row_key), sorted(right, key=row_key)))


def row_key(row: Row) -> tuple[Any, ...]:
    return tuple(cell_key(cell) for cell in row)


def cell_key(cell: Cell) -> tuple[Any, ...]:
    """An order in which numbers that count as equal stand next to each other."""
    match cell:
        case None:
            return (0, "")
        case bool():
            return (1, str(cell))
        case int() | float():
            return (2, float(f"{cell:.4g}"), cell)
        case _:
            return (3, cell)


def same_answer(
    gold: Sequence[Row], found: Sequence[Row], widths: tuple[int, int], ties: Sequence[Span] | None, lenient: bool
) -> bool:
    """Whether some choice of the found columns holds the gold's rows.

    `widths`: columns of the gold and of what was found. `ties`: runs of gold rows that may change places; None: all.
    """
    wanted, given = widths
    if given < wanted or (given > wanted and not lenient) or len(gold) != len(found):
        return False
    if not gold:
        return True
    spans = [(0, len(gold))] if ties is None else ties
    for columns in mappings(gold, found):
        rows = [tuple(row[i] for i in columns) for row in found]
        if all(same_bag(gold[start:end], rows[start:end]) for start, end in spans):
            return True
    return False


def mappings(gold: Sequence[Row], found: Sequence[Row]) -> Iterator[tuple[int, ...]]:
    """Choices of a found column for each gold one, of those whose values agree as bags; the most natural ones first."""
    candidates = columns_alike(gold, found)
    if not all(candidates):
        return
    # The column with fewest candidates first: dead ends show early.
    order = sorted(range(len(candidates)), key=lambda i: len(candidates[i]))
    for count, chosen in enumerate(_complete(candidates, order, {})):
        if count == MOST_MAPPINGS:
            return
        yield chosen


def columns_alike(gold: Sequence[Row], found: Sequence[Row]) -> list[list[int]]:
    """For each gold column the found columns with the same bag of values; its own place first."""
    wanted, given = ([sorted(column, key=cell_key) for column in zip(*rows, strict=True)] for rows in (gold, found))
    return [
        sorted((j for j, values in enumerate(given) if all(map(same_cell, column, values))), key=lambda j: j != i)
        for i, column in enumerate(wanted)
    ]


def _complete(candidates: list[list[int]], order: list[int], chosen: dict[int, int]) -> Iterator[tuple[int, ...]]:
    if len(chosen) == len(order):
        yield tuple(chosen[i] for i in range(len(order)))
        return
    column = order[len(chosen)]
    for j in candidates[column]:
        if j not in chosen.values():
            yield from _complete(candidates, order, {**chosen, column: j})
