"""docs/errors.md lists every code that the code raises, and no other; docs/security.md has the guard's bounds."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sidecar.errors import STATUS_BY_GROUP, SidecarError
from sidecar.guard import bounds, check

ROOT = Path(__file__).parents[2]
CODE = re.compile(r"\bNL\d{3}\b")


def documented() -> dict[str, str]:
    """{code: name} of the table."""
    text = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    return dict(re.findall(r"^\| (NL\d{3}) \| ([a-z_]+) \| .+ \|$", text, re.M))


def reserved() -> set[str]:
    """Codes whose row says that they are kept for later."""
    text = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    return set(re.findall(r"^\| (NL\d{3}) \|.*\breserved\b", text, re.M))


def used() -> set[str]:
    paths = [*(ROOT / "sidecar").rglob("*.py"), *(ROOT / "extension" / "nl2sql_pg").rglob("*.py")]
    paths += (ROOT / "sql").rglob("*.sql")
    return {code for path in paths for code in CODE.findall(path.read_text(encoding="utf-8"))}


def test_every_code_is_documented() -> None:
    assert used() - set(documented()) == set()


def test_every_documented_code_is_used() -> None:
    assert set(documented()) - used() - reserved() == set()


def test_names_are_unique() -> None:
    names = list(documented().values())
    assert len(names) > 25
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("code", sorted(documented()))
def test_every_group_has_an_http_status(code: str) -> None:
    assert code[:3] in STATUS_BY_GROUP
    assert 400 <= SidecarError(code, "x").status < 600


@pytest.mark.parametrize(
    "words",
    [
        *(f"{check.MAX_BYTES} bytes", f"{check.MAX_NODES} parts", f"{check.MAX_DEPTH} parts within each other"),
        *(f"{bounds.MAX_WITH} `WITH` queries", f"{bounds.MAX_TABLES} tables and subqueries"),
        *(f"{check.MAX_COMMENTS} comments", f"a literal length up to {bounds.WIDEST}"),
        *(f"at most {bounds.LONGEST} characters", f"a literal one up to {bounds.STEEPEST}"),
        *(f"of a literal up to {bounds.LARGEST_FACTORIAL}", f"{bounds.COLLECTED} values"),
    ],
)
def test_the_bounds_of_a_statement_are_documented(words: str) -> None:
    text = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
    assert words in " ".join(text.split())
