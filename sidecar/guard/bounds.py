"""Bounds on what a statement makes out of nothing: texts, series, powers, WITHs.

Most of PostgreSQL heeds a cancel within a moment, but the inner loops of some functions do not. What would feed them
more than any question needs is refused where the statement itself says how much it is; what depends on the rows it
reads is for the limits of running.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Sequence
from typing import Any

from sidecar.errors import SidecarError
from sidecar.guard.functions import refused
from sidecar.guard.nodes import Node, constant, number, walk

WIDEST = 1000  # characters, of a padded text, and times that one is repeated
LONGEST = 100_000  # characters that a repeated constant gets
STEEPEST = 1000  # exponent
LARGEST_FACTORIAL = 1000
COLLECTED = 10_000  # values of a series in an array, a text or a JSON value
MAX_WITH = 100  # common table expressions; the planner's time grows with their square and more
MAX_TABLES = 200  # tables, sub-selects and functions in FROM

_WIDTH_AT = {"lpad": 1, "rpad": 1, "repeat": 1}
_COLLECTING = frozenset("array_agg json_agg jsonb_agg json_object_agg jsonb_object_agg string_agg".split())
_COLLECTING_KINDS = frozenset({"JsonArrayAgg", "JsonObjectAgg", "JsonArrayQueryConstructor"})
_IN_FROM = frozenset({"RangeVar", "RangeSubselect", "RangeFunction", "JsonTable"})
# A step of one unit, and how many of it a year has; smaller ones are too many.
_STEP = re.compile(r"\s*(\d{1,6})?\s*((?:hour|day|week|mon|month|year|decade)s?)\s*", re.IGNORECASE)
_A_YEAR = {"hour": 8784, "day": 366, "week": 53, "mon": 12, "year": 1, "decade": 1}
_NO_WIDTH = re.compile(r"%(?:\d+\$)?-?(?:\d{4,}|\*)")


def refuse(nodes: Sequence[Node]) -> None:
    """Raise NL403 or NL404 for what asks for too much."""
    _refuse_many(nodes)
    collected = any(map(_collects, nodes))
    for node in nodes:
        if node.kind == "FuncCall":
            name = node.names("funcname")[-1]
            if look := _LOOKS.get(name):
                look(name, node)
            if collected and name == "generate_series":
                _refuse_long_series(node)
        elif node.kind == "A_Expr" and node.names("name") == ["^"]:
            _refuse_exponent("power", node.fields["rexpr"])


def _refuse_many(nodes: Sequence[Node]) -> None:
    for kinds, most, what in (
        ({"CommonTableExpr"}, MAX_WITH, "common table expressions"),
        (_IN_FROM, MAX_TABLES, "tables and sub-selects in FROM"),
    ):
        if sum(node.kind in kinds for node in nodes) > most:
            raise SidecarError(
                "NL404",
                f"the statement has more than {most} {what}",
                detail="Nothing was run.",
                hint="Simplify it.",
            )


def _refuse_width(name: str, node: Node) -> None:
    arguments = node.fields.get("args", [])
    place = _WIDTH_AT[name]
    width = number(arguments[place]) if len(arguments) > place else None
    if width is None or width > WIDEST:
        raise refused(name, f"with a length that is not a number up to {WIDEST}")
    if name == "repeat":
        text = constant(arguments[0])
        if isinstance(text, str) and len(text) * width > LONGEST:
            raise refused(name, f"to a text of more than {LONGEST} characters")
        if any(above.kind == "FuncCall" and above.names("funcname")[-1] == "repeat" for above in node.ancestors()):
            raise refused(name, "within another one")  # lengths would multiply


def _refuse_format(name: str, node: Node) -> None:
    arguments = node.fields.get("args", [])
    pattern = constant(arguments[0]) if arguments else None
    if not isinstance(pattern, str):
        raise refused(name, "with a pattern that is not a plain text")
    if _NO_WIDTH.search(pattern):
        raise refused(name, "with a width")


def _refuse_power(name: str, node: Node) -> None:
    arguments = node.fields.get("args", [])
    if len(arguments) == 2:
        _refuse_exponent(name, arguments[1])


def _refuse_exponent(name: str, exponent: dict[str, Any]) -> None:
    """A constant one only: of a column PostgreSQL must say."""
    if _reads_columns(exponent):
        return
    value = number(exponent)
    if value is None or abs(value) > STEEPEST:
        raise refused(name, f"with an exponent that is not a number up to {STEEPEST}")


def _refuse_factorial(name: str, node: Node) -> None:
    arguments = node.fields.get("args", [])
    value = number(arguments[0]) if arguments else None
    if arguments and not _reads_columns(arguments[0]) and (value is None or value > LARGEST_FACTORIAL):
        raise refused(name, f"of what is not a number up to {LARGEST_FACTORIAL}")


def _refuse_long_series(node: Node) -> None:
    """In a statement that collects values: a series as long as it likes, but only where each value stays a row."""
    first, last, *step = node.fields.get("args", [{}, {}])[:3]
    if _reads_columns(first) or _reads_columns(last):
        return
    bounds = number(first), number(last)
    if bounds[0] is None or bounds[1] is None:
        values = _moments(first, last, step[0]) if step else math.inf
    else:
        # a step that is not known is a whole one
        stride = (number(step[0]) if step else None) or 1
        values = abs(bounds[1] - bounds[0]) / abs(stride)
    if values > COLLECTED:
        raise refused("generate_series", f"for more than {COLLECTED} values that are put together")


def _moments(first: dict[str, Any], last: dict[str, Any], step: dict[str, Any]) -> float:
    """So many steps of one unit at most from one date to another; of dates that are no constants those of a year."""
    found = _STEP.fullmatch(str(_text(step)))
    if not found:
        return math.inf
    years = [int(year[0]) for moment in (first, last) if (year := re.match(r"\d{4}", str(_text(moment))))]
    span = abs(years[1] - years[0]) + 1 if len(years) == 2 else 1
    a_year = next(count for unit, count in _A_YEAR.items() if found[2].lower().startswith(unit))
    return span * a_year / max(1, int(found[1] or 1))


def _text(value: dict[str, Any]) -> int | float | str | None:
    """A constant, or the one that is cast."""
    return constant(value.get("TypeCast", {}).get("arg", value))


def _collects(node: Node) -> bool:
    if node.kind == "SubLink":
        return bool(node.fields.get("subLinkType") == "ARRAY_SUBLINK")
    if node.kind == "FuncCall":
        return node.names("funcname")[-1] in _COLLECTING
    return node.kind in _COLLECTING_KINDS


def _reads_columns(value: dict[str, Any]) -> bool:
    return bool(value) and any(node.kind in ("ColumnRef", "RangeVar") for node in walk(value))


_LOOKS: dict[str, Callable[[str, Node], None]] = {
    "factorial": _refuse_factorial,
    "format": _refuse_format,
    "lpad": _refuse_width,
    "pow": _refuse_power,
    "power": _refuse_power,
    "repeat": _refuse_width,
    "rpad": _refuse_width,
}
