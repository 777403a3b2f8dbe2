"""Frozen expectations: text files under tests/db/expected, rewritten when NL2SQL_UPDATE_EXPECTED=1."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "db" / "expected"


def assert_as_expected(name: str, lines: Iterable[str]) -> None:
    """Compare line by line with the file `name`; a change of the extension updates it, and the diff is reviewed."""
    found = [line.rstrip() for line in lines]
    path = FOLDER / name
    if os.environ.get("NL2SQL_UPDATE_EXPECTED") == "1":
        path.write_text("\n".join(found) + "\n", encoding="utf-8")
    assert found == path.read_text(encoding="utf-8").splitlines(), (
        f"see {path.name}; NL2SQL_UPDATE_EXPECTED=1 rewrites it"
    )
