"""Messages for the engine from one request's context."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from sidecar.engine.base import Message
from sidecar.guard.scope import Scope
from sidecar.periods import named_period
from sidecar.prompt.ddl import name_in, quote, render_schema
from sidecar.prompt.hints import hints_for
from sidecar.prompt.text import one_line

TEMPLATES = Path(__file__).parent / "templates"
DEFAULT_FAMILY = "qwen"  # for models whose family has no templates of its own
STOP = (";\n", "\n\n\n")


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
    folder = TEMPLATES / family
    loader = FileSystemLoader(folder if folder.is_dir() else TEMPLATES / DEFAULT_FAMILY)
    # not HTML: nothing here is shown in a browser, and a quote in a value must stay one
    environment = Environment(loader=loader, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters["one_line"] = one_line
    return environment


def render(context: Context, family: str) -> list[Message]:
    """The messages of one request; equal scopes give equal beginnings."""
    environment = _environment(family)
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
                hints=hints_for(context.question),
                period=_period_name(context.question),
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


def render_retelling(sql: str, family: str) -> str:
    """Raw text behind which stands the question that a statement answers."""
    return _environment(family).get_template("retell.j2").render(sql=sql) + "\n"


def _period_name(question: str) -> str:
    period = named_period(question)
    return period.name if period else ""


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
