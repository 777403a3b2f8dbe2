"""One version everywhere: control file, both Python packages, changelog; and one protocol on both sides."""

from __future__ import annotations

import re
from pathlib import Path

import nl2sql_pg

from sidecar import version

ROOT = Path(__file__).parents[2]


def first_match(pattern: str, path: str) -> str:
    found = re.search(pattern, (ROOT / path).read_text(encoding="utf-8"), re.M)
    assert found, path
    return found[1]


def test_versions_are_equal() -> None:
    control = first_match(r"^default_version = '([^']+)'$", "extension/nl2sql.control.in")
    changelog = first_match(r"^## (\d+\.\d+\.\d+)\b", "CHANGELOG.md")
    assert {control, changelog, nl2sql_pg.__version__, version.__version__} == {control}


def test_protocols_are_equal() -> None:
    documented = first_match(r"`protocol` \(an integer, now (\d+)\)", "docs/protocol.md")
    assert version.PROTOCOL == nl2sql_pg.PROTOCOL == int(documented)


def test_changelog_has_entries_in_its_form() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    bullets = re.findall(r"^- (\w+)", text, re.M)
    assert bullets
    assert set(bullets) <= {"Added", "Changed", "Fixed", "Improved", "Reduced", "Removed", "Dropped"}
