"""Which functions a statement may call: those of functions.txt, by the name that will be written."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from sqlglot import exp

from sidecar.errors import SidecarError

WIDTHS = {"lpad": 1, "rpad": 1, "repeat": 1}  # position of the argument that says how long the result gets
WIDEST = 1000
# Each call is rendered to learn its name, with all that stands in it: a bound on what a chain of thousands costs.
MAX_RENDERED = 400_000

# What sqlglot has as functions but PostgreSQL as syntax.
_SYNTAX = frozenset({"cast", "case", "and", "or", "not", "in", "between", "filter", "within", "over", "values"})
# These are functions to sqlglot, too, in chains that may be long.
_OPERATORS = (exp.Connector, exp.Cast)
_LEADING_NAME = re.compile(r'\s*("?)([A-Za-z_][A-Za-z0-9_$]*)\1\s*\(')


@cache
def allowed() -> frozenset[str]:
    """Names of functions.txt."""
    text = Path(__file__).with_name("functions.txt").read_text(encoding="utf-8")
    return frozenset(word for line in text.splitlines() if not line.startswith("#") for word in line.split())


def refuse(tree: exp.Expression) -> None:
    """Raise NL403 for a call that is not on the list, or that asks for a huge text."""
    room = MAX_RENDERED
    for node in tree.walk():
        if isinstance(node, exp.Dot) and isinstance(node.expression, exp.Func):
            _check_schema(node.this, node)
        if isinstance(node, exp.Table) and not isinstance(node.this, exp.Identifier) and node.args.get("db"):
            _check_schema(node.args.get("catalog") or node.args["db"], node)
        if isinstance(node, exp.Func) and not isinstance(node, _OPERATORS):
            written = "" if isinstance(node, exp.Anonymous) else node.sql(dialect="postgres")
            room -= len(written)
            if room < 0:
                raise _too_intricate()
            _check_call(node, written)


def _check_call(node: exp.Func, written: str) -> None:
    name = _name(node, written)
    if name is None or name in _SYNTAX:
        return
    if name not in allowed():
        raise _refused(name)
    if name in WIDTHS:
        _check_width(name, node)
    if name == "repeat" and node.find_ancestor(exp.Repeat):
        raise _refused(name, "within another one")  # lengths would multiply
    if name == "format":
        _check_format(node)


def _check_format(node: exp.Func) -> None:
    pattern = next((a for a in node.iter_expressions() if isinstance(a, exp.Expression)), None)
    if not (isinstance(pattern, exp.Literal) and pattern.is_string):
        raise _refused("format", "with a pattern that is not a plain text")
    if re.search(r"%(?:\d+\$)?-?(?:\d{4,}|\*)", pattern.this):
        raise _refused("format", "with a width")


def _name(node: exp.Func, written: str) -> str | None:
    """The name PostgreSQL will see, None for an operator or a cast written with ::."""
    if isinstance(node, exp.Anonymous):
        quoted = isinstance(node.this, exp.Identifier) and node.this.args.get("quoted")
        return node.name if quoted else node.name.lower()  # a quoted name with capitals is not on the list
    if found := _LEADING_NAME.match(written):
        return found[2].lower()
    return written.lower() if re.fullmatch(r"[A-Za-z_]+", written) else None  # such as current_date


def _check_width(name: str, node: exp.Func) -> None:
    arguments = [a for a in node.iter_expressions() if isinstance(a, exp.Expression)]
    position = WIDTHS[name]
    width = arguments[position] if len(arguments) > position else None
    if not (isinstance(width, exp.Literal) and not width.is_string and float(width.this) <= WIDEST):
        raise _refused(name, f"with a length that is not a number up to {WIDEST}")


def _check_schema(schema: exp.Expression, call: exp.Expression) -> None:
    if schema.sql(dialect="postgres").lower() != "pg_catalog":
        raise _refused(call.sql(dialect="postgres").split("(")[0])


def _too_intricate() -> SidecarError:
    return SidecarError(
        "NL404",
        "the statement nests too many calls",
        detail="The proposal was dropped; nothing was run.",
        hint="Ask for something simpler.",
    )


def _refused(name: str, how: str = "") -> SidecarError:
    return SidecarError(
        "NL403",
        f"function {name[:63]}() is not allowed {how}".rstrip(),
        detail="Only functions known to be harmless may stand in a generated statement. The proposal was dropped.",
        hint="Ask in other words; an answer that needs this function must be written by hand.",
    )
