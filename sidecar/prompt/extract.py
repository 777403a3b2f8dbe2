"""SQL from a model's text."""

from __future__ import annotations

import re
import string

_FENCE = "```"
_LANGUAGE = re.compile(r"(?:sql|pgsql|postgres\w*)\b", re.I)
_LABEL = re.compile(r"\s*(?:SQL|Answer)\s*[:：]\s*", re.I)
_COMMENTS = re.compile(r"\A(?:\s*--[^\n]*\n)+")
_START = re.compile(r"\b(?:WITH|SELECT|VALUES)\b|\(\s*SELECT\b", re.I)


def extract_sql(text: str) -> str:
    """The statement in a model's text: without a code fence, words around it, and a closing semicolon."""
    fenced = _fenced(text)
    body = fenced if fenced is not None else _LABEL.sub("", text, count=1) if _LABEL.match(text) else text
    statement = _COMMENTS.sub("", body + "\n")
    body = statement if statement.strip() else _uncommented(body)
    start = _START.search(body)
    if start and fenced is None and body[: start.start()].rstrip().endswith((":", "：")):
        body = body[start.start() :]
    body = re.split(r";\s*\n", body)[0]  # what follows is prose, or a second statement
    return body.rstrip(";" + string.whitespace).lstrip()


def _fenced(text: str) -> str | None:
    """What stands in the first code fence that begins a line or follows a colon; an open one ends with the text."""
    opened = text.find(_FENCE)
    while opened >= 0:
        before = text[:opened].rstrip()
        if not before or before.endswith((":", "：")) or "\n" in text[len(before) : opened]:
            inside = text[opened + len(_FENCE) :]
            language = _LANGUAGE.match(inside)
            return inside[language.end() if language else 0 :].partition(_FENCE)[0].strip()
        opened = text.find(_FENCE, opened + 1)
    return None


def _uncommented(comments: str) -> str:
    """The statement that stands behind `-- ` itself: a small model may begin with a comment and go on in it."""
    line = next((line for line in comments.splitlines() if _START.match(line.lstrip("- `"))), "")
    return line.lstrip("- `").rstrip("`; ")


def before_sql(text: str) -> int:
    """Length of the comment lines that a model's text begins with: words on the question, not the statement."""
    found = _COMMENTS.match(text)
    return found.end() if found else 0
