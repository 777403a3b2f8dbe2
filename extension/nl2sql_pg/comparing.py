"""Do two results hold the same answer? Rows are JSON objects in text, as the server writes them.

Names and order of columns don't count, their number does. Rows are a bag, or a list where an order was asked for.
Numbers are equal within a relative 1e-5, a timestamp at midnight equals its date.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from typing import Any

Cell = None | bool | float | str
Row = tuple[Cell, ...]

RELATIVE, ABSOLUTE = 1e-5, 1e-9
MOST_MAPPINGS = 2000
_MIDNIGHT = re.compile(r"(\d{4}-\d{2}-\d{2})T00:00:00(?:\+00:00)?")
_QUOTED = re.compile(r"'(?:[^']|'')*'|\"(?:[^\"]|\"\")*\"")


def read_rows(lines: Sequence[str]) -> list[Row]:
    """Raises ValueError for a line that was cut."""
    return [tuple(_cell(value) for _, value in json.loads(line, object_pairs_hook=_pairs)) for line in lines]


def same_answer(gold: Sequence[Row], found: Sequence[Row], *, ordered: bool, lenient: bool = False) -> bool:
    """Whether some choice of the found columns holds the gold's rows; further columns only where `lenient`."""
    if len(gold) != len(found):
        return False
    if not gold:
        return True
    wanted, given = len(gold[0]), len(found[0])
    if given < wanted or (given > wanted and not lenient):
        return False
    same = _same_list if ordered else _same_bag
    return any(same(gold, [tuple(row[i] for i in columns) for row in found]) for columns in _mappings(gold, found))


def asks_for_order(normal_form: str) -> bool:
    """Whether the statement as a whole has an ORDER BY: one outside of quotes and of any brackets."""
    bare = _QUOTED.sub("''", normal_form)
    depth, outside = 0, []
    for character in bare:
        depth += (character == "(") - (character == ")")
        outside.append(character if depth == 0 else " ")
    return re.search(r"\bORDER\s+BY\b", "".join(outside), re.I) is not None


class _Pairs(list[tuple[str, Any]]):
    """The members of an object in their order: two columns may have one name."""


def _pairs(members: list[tuple[str, Any]]) -> _Pairs:
    return _Pairs(members)


def _cell(value: Any) -> Cell:
    if isinstance(value, str):
        midnight = _MIDNIGHT.fullmatch(value)
        return midnight[1] if midnight else value.rstrip(" ")
    if value is None or isinstance(value, bool):
        return value
    return float(value) if isinstance(value, int | float) else json.dumps(_plain(value), sort_keys=True)


def _plain(value: Any) -> Any:
    """A document in a cell: there the order of members means nothing."""
    if isinstance(value, _Pairs):
        return {name: _plain(member) for name, member in value}
    return [_plain(item) for item in value] if isinstance(value, list) else value


def _same_cell(left: Cell, right: Cell) -> bool:
    if isinstance(left, float) and isinstance(right, float):
        return left == right or math.isclose(left, right, rel_tol=RELATIVE, abs_tol=ABSOLUTE)
    return type(left) is type(right) and left == right


def _same_list(left: Sequence[Row], right: Sequence[Row]) -> bool:
    return all(all(map(_same_cell, a, b)) for a, b in zip(left, right, strict=True))


def _same_bag(left: Sequence[Row], right: Sequence[Row]) -> bool:
    return _same_list(sorted(left, key=_row_key), sorted(right, key=_row_key))


def _row_key(row: Row) -> list[tuple[Any, ...]]:
    return [_key(cell) for cell in row]


def _key(cell: Cell) -> tuple[Any, ...]:
    """An order in which numbers that count as equal stand next to each other."""
    if isinstance(cell, float):
        return (2, float(f"{cell:.4g}"), cell)
    return (0,) if cell is None else (1, cell) if isinstance(cell, bool) else (3, cell)


def _mappings(gold: Sequence[Row], found: Sequence[Row]) -> Iterator[tuple[int, ...]]:
    """Choices of a found column for each gold one, of those that hold the same values."""
    wanted, given = ([sorted(column, key=_key) for column in zip(*rows, strict=True)] for rows in (gold, found))
    alike = [[j for j, values in enumerate(given) if all(map(_same_cell, column, values))] for column in wanted]
    for count, chosen in enumerate(_complete(alike, ())):
        if count == MOST_MAPPINGS:
            return
        yield chosen


def _complete(alike: list[list[int]], chosen: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    if len(chosen) == len(alike):
        yield chosen
        return
    for j in alike[len(chosen)]:
        if j not in chosen:
            yield from _complete(alike, (*chosen, j))
