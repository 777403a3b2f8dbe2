"""How much a statement may cost, give and take: the role's limits, else the settings; options may lower them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from nl2sql_pg.context import Context
from nl2sql_pg.errors import Refusal

_LIMITS = "select nl2sql._limits_of(current_user, session_user)"

RUN_OPTIONS = ("max_rows", "max_seconds")


@dataclass(frozen=True)
class Allowance:
    """In the planner's units, rows, bytes, seconds and characters; named as the settings are."""

    max_cost: int
    max_plan_rows: int
    max_rows: int
    max_seconds: int
    max_bytes: int
    max_cell_chars: int

    def told(self) -> dict[str, int]:
        return asdict(self)


def split_options(given: Any) -> tuple[dict[str, int], Any]:
    """Options for running, checked, and the others as they are; raises NL105."""
    if not isinstance(given, dict):
        return {}, given
    mine = {name: given[name] for name in RUN_OPTIONS if given.get(name) is not None}
    for name, value in mine.items():
        if type(value) is not int or value < 1:
            raise _invalid(f"option {name} is out of range", "It takes a whole number from 1.")
    return mine, {name: value for name, value in given.items() if name not in RUN_OPTIONS}


def refuse_others(others: Any) -> None:
    """Raise NL105 for what is no option of running."""
    if others is not None and not isinstance(others, dict):
        raise _invalid("options are not a JSON object", "Pass an object such as '{\"max_rows\": 100}'.")
    for name in sorted(others or {}):
        raise _invalid(f"unknown option {name[:60]!r}", f"The options are {', '.join(RUN_OPTIONS)}.")


def allowance(context: Context, options: dict[str, int]) -> Allowance:
    """What is in force for the current role; an option lowers a limit and never raises it."""
    found = context.db.json(_LIMITS)
    figures = {name: context.number(name) for name in Allowance.__dataclass_fields__}
    for name, figure in figures.items():
        role, login, option = found["role"].get(name), found["login"].get(name), options.get(name)
        bounds = [figure if role is None else role, *(bound for bound in (login, option) if bound is not None)]
        figures[name] = min(bounds)
    return Allowance(**figures)


def _invalid(message: str, hint: str) -> Refusal:
    return Refusal("NL105", message, detail="Nothing was run.", hint=hint)
