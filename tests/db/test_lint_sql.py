"""pgspot over the script that CREATE EXTENSION runs as a superuser: finds are put right, or listed with a reason."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

# What may be found, as a pattern, and why it is no danger. A pattern that no longer matches anything fails the test.
ACCEPTED = {
    r"PS017: Unqualified object reference: (vector|oid|int2|text|float8) in .*":
        "head.sql has set the script's search_path: pg_catalog first, then the schemas of pgvector and pg_trgm",
    r"PS016: Unqualified function call: (vector_dims|word_similarity|similarity) at .*":
        "of pgvector and pg_trgm, whose schemas are the DBA's choice; looked up there only (head.sql)",
    r"PS001: Unqualified operator: '<=>' in (CAST\()?[ei]\.embedding .*":
        "pgvector's, as above; bound when the function is made",
    r"PS001: Unqualified operator: '%' in v\.key % p\.phrase .*":
        "pg_trgm's, as above; bound when the view is made",
    r"PS001: Unqualified operator: '=' in t\.fingerprint IS DISTINCT FROM .*":
        "has no qualified form; text = text is exact in pg_catalog, which stands first",
    r"PS001: Unqualified operator: '=' in NULLIF\(.*":
        "has no qualified form; text = text is exact in pg_catalog, which stands first",
    r"PS005: Function without explicit search_path: "
    r"(nl2sql\._caller|nl2sql\.ask|nl2sql\.trace|nl2sql\.status|extschema\.nl2sql)\(.*":
        "the front door must see the caller's search_path; all names in it are qualified (test_contents.py)",
    r"PS005: Function without explicit search_path: "
    r"nl2sql\.(add_example|suggest_examples|feedback|propose_example|approve|add_case)\(.*":
        "the front door must see the caller's search_path; all names in it are qualified (test_contents.py)",
    r"PS005: Function without explicit search_path: nl2sql\.(check|run|query|query_as|open|save_view)\(.*":
        "the front door must see the caller's search_path; all names in it are qualified (test_contents.py)",
    r"PS002: Unsafe function creation: extschema\.nl2sql\(.*":
        "CREATE OR REPLACE in an extension script refuses a function that is no member (test_install.py)",
    r"Unknown function language: plpython3u":
        "bodies of three lines that import, call and return (test_contents.py)",
}  # fmt: skip


@pytest.fixture(scope="module")
def findings(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("lint")
    subprocess.run([sys.executable, ROOT / "extension" / "build.py", "--out", folder], check=True)
    (script,) = folder.glob("nl2sql--*.*.*.sql")
    return lint(script.read_text())


def lint(script: str) -> list[str]:
    """pgspot's findings. It can't read BEGIN ATOMIC: such bodies, bound when made, go to it as statements."""
    script = re.sub(r"^\\echo.*$", "", script, flags=re.MULTILINE)
    atomic = re.compile(r"^begin atomic\n(.*?)^end;$", re.MULTILINE | re.DOTALL)
    bodies = "\n".join(atomic.findall(script))
    text = atomic.sub("as $sql$ select 1 $sql$;", script) + bodies
    pgspot = Path(sys.executable).with_name("pgspot")
    done = subprocess.run([pgspot], input=text, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[-1].startswith("Errors:"), done.stdout + done.stderr
    return [line for line in done.stdout.splitlines() if line and not line.startswith("Errors:")]


def test_only_what_is_accepted(findings: list[str]) -> None:
    assert [line for line in findings if not any(re.fullmatch(pattern, line) for pattern in ACCEPTED)] == []


def test_nothing_is_accepted_in_vain(findings: list[str]) -> None:
    assert [pattern for pattern in ACCEPTED if not any(re.fullmatch(pattern, line) for line in findings)] == []


BAD = {
    "definer_without_path": "create function nl2sql.f() returns int language sql security definer as 'select 1';",
    "operator": "select 1 = 2;",
    "function": "select now();",
    "atomic_body": "create function nl2sql.f() returns bool language sql set search_path = pg_catalog, pg_temp\n"
    "begin atomic\n    select 1 < 2;\nend;",
}


@pytest.mark.parametrize("statement", BAD.values(), ids=BAD)
def test_it_would_find(statement: str) -> None:
    """The lint can fail."""
    found = lint(statement)
    assert [line for line in found if not any(re.fullmatch(pattern, line) for pattern in ACCEPTED)]


def test_the_script_sets_its_path_before_anything_else() -> None:
    first = (ROOT / "sql" / "head.sql").read_text().split("\n\n", 1)[1]
    statements = [line for line in first.splitlines() if line and not line.startswith("--")]
    assert statements[:2] == ["select pg_catalog.set_config(", "    'search_path',"]


def test_no_literal_depends_on_standard_conforming_strings() -> None:
    """A body is read again under the caller's settings: a backslash stands in E'' only, and never in U&''."""
    for path in sorted((ROOT / "sql" / "functions").glob("*.sql")):
        for line in path.read_text(encoding="utf-8").splitlines():
            code = line.partition("--")[0]
            assert "U&'" not in code, f"{path.name}: {line}"
            assert not re.search(r"(?<!E)'[^']*\\[^']*'", re.sub(r"E'(?:[^']|'')*'", "", code)), f"{path.name}: {line}"
