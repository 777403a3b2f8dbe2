"""Messages for the engine from one request's context, and SQL from the engine's text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from sidecar.engine.base import Message
from sidecar.guard.scope import Scope
from sidecar.prompt.ddl import name_in, quote, render_schema
from sidecar.prompt.text import one_line

TEMPLATES = Path(__file__).parent / "templates"
DEFAULT_FAMILY = "qwen"  # for models whose family has no templates of its own
STOP = (";\n", "\n\n\n")
_HAN = re.compile("[\u4e00-\u9fff]")
# "last quarter", "the previous 3 months", "by month", 上季度: what is counted from today, or months as such.
_PERIOD = re.compile(
    r"\b(?:this|last|current|previous|past|next|recent)\s+(?:\w+\s+){0,2}(?:day|week|month|quarter|year)s?\b"
    r"|\b(?:today|yesterday|months?|monthly|quarters?|quarterly|so far|year to date|ytd)\b"
    r"|(?:[本上下去今昨前]|最近)\s*(?:个|一|两|三|\d)*\s*(?:月|季|年|周|星期|天|日)|月份|季度",
    re.I,
)
# "both X and Y", 既…又…, 同时: rows for each are wanted; not "show both columns".
_BOTH = re.compile(
    r"(?<!list )(?<!show )(?<!return )(?<!give )(?<!display )\bboth\b|\bshared by\b|\bin common\b"
    r"|既.+[又也]|同时|共同|(?<![一总])共有",
    re.I,
)
# "how many orders does each customer have", 每个客户有多少订单: a count for each.
_EACH = re.compile(
    r"\b(?:each|every|per)\b.*\b(?:numbers?|how many|counts?|total)\b"
    r"|\b(?:numbers?|how many|counts?|total)\b.*\b(?:each|every|per)\b"
    r"|[每各].*(?:多少|数量|几|个数|总数|人数|次数)|(?:多少|数量|几|个数|总数|人数|次数).*[每各]",
    re.I,
)
# What stands beside questions of a kind, and beside these alone, by the name of its template.
_HINTS = {"periods": _PERIOD, "both": _BOTH, "each": _EACH}


@dataclass(frozen=True)
class Example:
    question: str
    sql: str
    note: str | None = None


@dataclass(frozen=True)
class ValueMatch:
    """A stored value, and the words of the question that it was found by."""

    schema: str
    table: str
    column: str
    value: str
    phrase: str
    complete: bool = False  # all values of the column were looked through: what is not among them is not stored


@dataclass(frozen=True)
class Term:
    """A word of the house, and what it means there."""

    term: str
    meaning: str


@dataclass(frozen=True)
class Repair:
    """The last statement and the server's words against it."""

    sql: str
    sqlstate: str
    message: str
    hint: str


@dataclass(frozen=True)
class Context:
    """Everything one prompt is made of."""

    question: str
    today: str
    server_version: int
    scope: Scope
    examples: tuple[Example, ...] = ()
    values: tuple[ValueMatch, ...] = ()
    terms: tuple[Term, ...] = ()
    repair: Repair | None = None


@cache
def _environment(family: str) -> Environment:
    # not HTML: nothing here is shown in a browser, and a quote in a value must stay one
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES / family), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["one_line"] = one_line
    return environment


def render(context: Context, family: str) -> list[Message]:
    """The messages of one request; equal scopes give equal beginnings."""
    environment = _environment(family if (TEMPLATES / family).is_dir() else DEFAULT_FAMILY)
    version = f"{context.server_version // 10000}.{context.server_version % 10000}"
    messages = [
        Message("system", environment.get_template("system.j2").render(server_version=version)),
        Message(
            "user",
            environment.get_template("question.j2").render(
                schema=render_schema(context.scope),
                examples=context.examples,
                values=_shown_values(context),
                terms=context.terms,
                today=context.today,
                question=context.question,
                hints=[name for name, kind in _HINTS.items() if kind.search(context.question)],
                chinese=bool(_HAN.search(context.question)),
            ),
        ),
    ]
    if context.repair:
        repair = context.repair
        text = environment.get_template("repair.j2").render(
            sqlstate=repair.sqlstate, message=repair.message, hint=repair.hint
        )
        messages += [Message("assistant", repair.sql), Message("user", text)]
    return messages


def _shown_values(context: Context) -> list[dict[str, object]]:
    """One entry a value and phrase, with every column that holds it."""
    shown: dict[tuple[str, str], list[str]] = {}
    for match in context.values:
        table = context.scope.find(match.schema, match.table)
        phrase = "" if match.phrase == match.value else match.phrase
        if table:
            place = f"{name_in(context.scope, table)}.{quote(match.column)}"
            shown.setdefault((match.value, phrase), []).append(place)
    return [{"value": value, "phrase": phrase, "places": places} for (value, phrase), places in shown.items()]


_FENCE = re.compile(r"(?:^|[\n:：])\s*```(?:(?:sql|pgsql|postgres\w*)\b)?\s*(.*?)\s*(?:```|\Z)", re.S | re.I)
_LABEL = re.compile(r"\s*(?:SQL|Answer)\s*[:：]\s*", re.I)
_COMMENTS = re.compile(r"\A(?:\s*--[^\n]*\n)+")
_START = re.compile(r"\b(?:WITH|SELECT|VALUES)\b|\(\s*SELECT\b", re.I)


def extract_sql(text: str) -> str:
    """The statement in a model's text: without a code fence, words around it, and a closing semicolon."""
    fenced = _FENCE.search(text)
    body = fenced[1] if fenced else _LABEL.sub("", text, count=1) if _LABEL.match(text) else text
    statement = _COMMENTS.sub("", body + "\n")
    body = statement if statement.strip() else _uncommented(body)
    start = _START.search(body)
    if start and not fenced and body[: start.start()].rstrip().endswith((":", "：")):
        body = body[start.start() :]
    body = re.split(r";\s*\n", body)[0]  # what follows is prose, or a second statement
    return re.sub(r"[;\s]+\Z", "", body).lstrip()


def _uncommented(comments: str) -> str:
    """The statement that stands behind `-- ` itself: asked to begin with a comment, a small model may go on in it."""
    line = next((line for line in comments.splitlines() if _START.match(line.lstrip("- `"))), "")
    return line.lstrip("- `").rstrip("`; ")


def before_sql(text: str) -> int:
    """Length of the comment lines that a model's text begins with: words on the question, not the statement."""
    found = _COMMENTS.match(text)
    return found.end() if found else 0
