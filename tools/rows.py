"""Do two results hold the same rows? Names of columns don't count, nor does their order."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Context, Decimal, InvalidOperation

Cell = str | None
Row = Sequence[Cell]

MOST_COLUMNS_TO_PERMUTE = 6
NINE_DIGITS = Context(prec=9)


def normal(cell: Cell) -> Cell:
    """Numbers by value, to nine digits: 3, 3.00 and 3.000000000012 are the same answer."""
    if cell is None:
        return None
    try:
        number = Decimal(cell)
    except InvalidOperation:
        return cell
    return f"{NINE_DIGITS.plus(number).normalize():f}" if number.is_finite() else cell


def same_rows(found: Sequence[Row], expected: Sequence[Row], *, ordered: bool) -> bool:
    """Whether the rows agree: as a list if the order was asked for, else as a bag."""
    left = [tuple(normal(cell) for cell in row) for row in found]
    right = [tuple(normal(cell) for cell in row) for row in expected]
    if len(left) != len(right):
        return False
    if not left:
        return True
    width = len(left[0])
    if width != len(right[0]):
        return False
    orders: Iterable[tuple[int, ...]] = [tuple(range(width))]
    if width <= MOST_COLUMNS_TO_PERMUTE:
        orders = itertools.permutations(range(width))
    return any(agree([tuple(row[i] for i in order) for row in left], right, ordered) for order in orders)


def agree(left: list[tuple[Cell, ...]], right: list[tuple[Cell, ...]], ordered: bool) -> bool:
    return left == right if ordered else Counter(left) == Counter(right)
