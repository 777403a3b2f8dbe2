"""What counts as a question, and what options a caller may give with it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from nl2sql_pg.errors import Refusal

# C0 and C1 controls but tab, line feed and carriage return. PostgreSQL's text has no NUL.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
# Marks that change the direction or are not seen: they may not disguise a question, but do no harm once gone.
_INVISIBLE = re.compile(r"[\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]")

_EXAMPLE = "For example: SELECT nl2sql('total revenue by region last quarter')."


def clean_question(question: str | None, longest: int) -> str:
    """The question as the model will see it: spaces folded, invisible marks gone; raises NL101 to NL104."""
    if question is None:
        raise Refusal("NL101", "the question is NULL", detail="There is nothing to answer.", hint=_EXAMPLE)
    if len(question) > longest:
        raise Refusal(
            "NL103",
            f"the question is too long: {len(question)} characters",
            detail=f"At most {longest} characters are read.",
            hint="Ask for one thing at a time; an administrator can raise the setting max_question_chars up to 8000.",
        )
    if _CONTROL.search(question):
        raise Refusal(
            "NL104",
            "the question has control characters",
            detail="It was not passed on: such characters are no part of a question.",
            hint="Remove them; they often come in with text copied from another program.",
        )
    cleaned = " ".join(_INVISIBLE.sub("", question).split())
    if not cleaned:
        raise Refusal("NL102", "the question is empty", detail="There is nothing to answer.", hint=_EXAMPLE)
    return cleaned


OPTIONS = ("candidates", "max_tokens", "scope", "timeout")


@dataclass(frozen=True)
class Options:
    """What a caller may choose for one question; None: as the settings say. `show_prompt` is for nl2sql.trace()."""

    candidates: int | None = None
    max_tokens: int | None = None
    scope: str | None = None
    timeout: str | None = None
    show_prompt: bool = False

    def preferences(self) -> dict[str, str]:
        """Those of the options that stand before a preference of the session."""
        chosen = {"scope": self.scope, "timeout": self.timeout, "samples": self.candidates}
        return {name: str(value) for name, value in chosen.items() if value is not None}


def decoded(options: str | None) -> Any:
    """The caller's jsonb as PL/Python passes it on."""
    return json.loads(options) if options else None


def read_options(given: Any) -> Options:
    """Options from the caller's jsonb, decoded; raises NL105."""
    if given is None:
        return Options()
    if not isinstance(given, dict):
        raise _invalid("options are not a JSON object", "Pass an object such as '{\"candidates\": 3}'.")
    unknown = sorted(set(given) - set(OPTIONS))
    if unknown:
        raise _invalid(
            f"unknown option {unknown[0][:60]!r}",
            f"The options are {', '.join(OPTIONS)}.",
        )
    _check_whole(given, "candidates", 1, 16)
    _check_whole(given, "max_tokens", 16, 4096)
    if given.get("scope") not in (None, "search_path", "database"):
        raise _invalid("option scope is not one of its values", "It takes search_path or database.")
    if not isinstance(given.get("timeout", ""), str):
        raise _invalid("option timeout is not text", "It takes a time span such as '10s'.")
    return Options(**{name: value for name, value in given.items() if value is not None})


def _check_whole(given: dict[str, Any], name: str, least: int, most: int) -> None:
    value = given.get(name)
    if value is not None and (type(value) is not int or not least <= value <= most):
        raise _invalid(f"option {name} is out of range", f"It takes a whole number from {least} to {most}.")


def _invalid(message: str, hint: str) -> Refusal:
    return Refusal("NL105", message, detail="The question was not looked at.", hint=hint)
