"""What a user prefers for a session (SET nl2sql.<name>), read and checked once a call."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from nl2sql_pg.errors import Refusal

_SWITCH = {"on": True, "true": True, "yes": True, "1": True, "off": False, "false": False, "no": False, "0": False}
MAX_SAMPLES = 16


@dataclass(frozen=True)
class Preferences:
    """`timeout` is still as it was written; `samples` is None where the question's difficulty decides."""

    scope: str
    timeout: str
    retrieval: bool
    values: bool
    examples: bool
    comment_filters: bool
    repair: bool
    samples: int | None
    trial_run: bool
    min_confidence: float


def read_preferences(given: Mapping[str, str]) -> Preferences:
    """Preferences from the text of the settings; raises NL105 for one that makes no sense."""
    return Preferences(
        scope=_scope(given["scope"]),
        timeout=given["timeout"],
        retrieval=_switch("retrieval", given["retrieval"]),
        values=_switch("values", given["values"]),
        examples=_switch("examples", given["examples"]),
        comment_filters=_switch("comment_filters", given["comment_filters"]),
        repair=_switch("repair", given["repair"]),
        samples=_samples(given["samples"]),
        trial_run=_switch("trial_run", given["trial_run"]),
        min_confidence=_fraction("min_confidence", given["min_confidence"]),
    )


def bad_preference(name: str, value: str, hint: str) -> Refusal:
    return Refusal(
        "NL105",
        f"{value[:60]!r} is no value for nl2sql.{name}",
        detail="The question was not looked at.",
        hint=hint,
    )


def _scope(value: str) -> str:
    if value not in ("search_path", "database"):
        raise bad_preference("scope", value, "It takes search_path or database.")
    return value


def _switch(name: str, value: str) -> bool:
    try:
        return _SWITCH[value.lower()]
    except KeyError:
        raise bad_preference(name, value, "It takes on or off.") from None


def _samples(value: str) -> int | None:
    if value == "auto":
        return None
    if not (value.isascii() and value.isdecimal()) or not 1 <= int(value[:9]) <= MAX_SAMPLES:
        raise bad_preference("samples", value, f"It takes auto, or a whole number from 1 to {MAX_SAMPLES}.")
    return int(value)


def _fraction(name: str, value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = -1.0
    if not 0 <= number <= 1:
        raise bad_preference(name, value, "It takes a number from 0 to 1.")
    return number
