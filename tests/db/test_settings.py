"""Settings: what protects is set by administrators and checked; preferences are anybody's; the manual has all."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from sidecar.settings import Settings
from tests.conftest import Connection, Database
from tests.db.test_question_errors import refused
from tests.support.asking import ask
from tests.support.databases import new_database
from tools.cluster import Cluster

DOCS = Path(__file__).resolve().parents[2] / "docs" / "settings.md"
SET = "select nl2sql.set_setting(%s, %s)"


@pytest.fixture(scope="module")
def home(cluster: Cluster, template: str) -> Iterator[Database]:
    with new_database(cluster, template) as found:
        with found.connect() as connection:
            connection.execute(SET, ("audit", None))
        yield found


@pytest.fixture
def dba(home: Database) -> Iterator[Connection]:
    """A superuser's connection whose changes are undone."""
    with home.connect() as connection:
        connection.autocommit = False
        yield connection
        connection.rollback()


def value(connection: Connection, name: str) -> str:
    row = connection.execute("select value from nl2sql.settings where name = %s", (name,)).fetchone()
    assert row is not None
    return str(row[0])


PREFERENCES = {
    *("scope", "timeout", "retrieval", "values", "examples", "comment_filters", "repair", "samples", "trial_run"),
    "min_confidence",
}


def test_the_view_shows_defaults(dba: Connection) -> None:
    rows = dba.execute("select name, value, default_value, preference, description from nl2sql.settings").fetchall()
    assert {name for name, _, _, preference, _ in rows if preference} == PREFERENCES
    assert all(shown == default and description for _, shown, default, _, description in rows)
    assert not dba.execute("select from nl2sql.setting").fetchall()


def test_every_default_passes_its_own_check(dba: Connection) -> None:
    problems = "select d.name, nl2sql._setting_problem(d.name, d.value) from nl2sql._setting_default() as d"
    assert {problem for _, problem in dba.execute(problems)} == {None}


ACCEPTED = [
    ("max_tables", "1"),
    ("max_tables", "500"),
    ("repair_rounds", "0"),
    ("max_timeout", "1h"),
    ("max_timeout", "00:00:01"),
    ("max_timeout", "90 seconds"),
    ("socket_path", "/" + "x" * 106),
    ("socket_path", "/with blank/数.sock"),
    ("sidecar_user", "1001"),
]


@pytest.mark.parametrize(("name", "new"), ACCEPTED)
def test_a_good_value(dba: Connection, name: str, new: str) -> None:
    dba.execute(SET, (name, new))
    assert value(dba, name) == new
    who = dba.execute("select value, changed_by, changed_at <= clock_timestamp() from nl2sql.setting").fetchall()
    assert who == [(new, "postgres", True)]
    dba.execute(SET, (name, new))
    dba.execute(SET, (name, None))
    assert dba.execute("select count(*) from nl2sql.setting").fetchone() == (0,)


REFUSED = [
    ("max_tables", "0"),
    ("max_tables", "501"),
    ("max_tables", "-1"),
    ("max_tables", "ten"),
    ("max_tables", "10.5"),
    ("max_tables", " 10"),
    ("max_tables", "10\n"),
    ("max_tables", ""),
    ("max_tables", "99999999999999999999"),
    ("max_tables", "1e1"),
    ("max_tables", "١٢"),
    ("max_timeout", "0s"),
    ("max_timeout", "2h"),
    ("max_timeout", "-5s"),
    ("max_timeout", "soon"),
    ("max_timeout", "99999999999999999999 years"),
    ("max_timeout", ""),
    ("socket_path", "relative/path"),
    ("socket_path", ""),
    ("socket_path", "/" + "x" * 107),
    ("socket_path", "/" + "数" * 36),
    ("sidecar_user", " "),
    ("no_such_setting", "1"),
    ("MAX_TABLES", "10"),
    (None, "1"),
    (None, None),
    ("no_such_setting", None),
    ("timeout", "5s"),
    ("scope", "database"),
    ("scope", None),
]


@pytest.mark.parametrize(("name", "new"), REFUSED)
def test_a_bad_value(home: Database, name: str | None, new: str | None) -> None:
    with home.connect() as connection:
        error = refused(connection, SET, name, new)
        assert error.sqlstate == "22023"
        assert "Nothing was changed" in str(error.diag.message_detail)
        assert connection.execute("select count(*) from nl2sql.setting").fetchone() == (0,)


def test_an_admin_sets_and_is_noted(home: Database, dba: Connection) -> None:
    dba.execute("create role boss login in role nl2sql_admin; set role boss")
    dba.execute(SET, ("max_tables", "9"))
    assert value(dba, "max_tables") == "9"
    with pytest.raises(psycopg.errors.InsufficientPrivilege), dba.transaction():
        dba.execute("select * from nl2sql.setting")
    dba.execute("reset role")
    # the login role, not the one it was set to
    assert dba.execute("select name, changed_by from nl2sql.setting").fetchall() == [("max_tables", "postgres")]


@pytest.mark.parametrize("role", ["nl2sql_user", "nl2sql_developer", "nl2sql_auditor", "nl2sql_sidecar"])
def test_others_do_not_set(dba: Connection, role: str) -> None:
    dba.execute(f"create role someone in role {role}; set role someone")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        dba.execute(SET, ("max_tables", "9"))


def test_a_user_sees_settings(dba: Connection) -> None:
    dba.execute(SET, ("max_tables", "9"))
    dba.execute("create role someone in role nl2sql_user; set role someone")
    assert value(dba, "max_tables") == "9"


def test_a_protected_setting_is_not_a_preference(database: Database, admin: Connection, analyst: Connection) -> None:
    """Any user may SET any two-part name; it has no effect where it would protect."""
    admin.execute(SET, ("max_question_chars", "10"))
    analyst.execute("set nl2sql.max_question_chars = '8000'; set nl2sql.socket_path = '/tmp/evil.sock'")
    assert value(analyst, "max_question_chars") == "10"
    assert refused(analyst, "select nl2sql('how many orders are there')").sqlstate == "NL103"


def test_preferences_are_anybodys(database: Database, analyst: Connection) -> None:
    assert (value(analyst, "scope"), value(analyst, "timeout")) == ("search_path", "30s")
    analyst.execute("set nl2sql.scope = 'database'; set nl2sql.timeout = '5s'")
    assert (value(analyst, "scope"), value(analyst, "timeout")) == ("database", "5s")
    sent = ask(database, analyst)
    assert 4000 < int(re.findall(r'"deadline_ms": (\d+)', sent.text)[0]) <= 5000
    analyst.execute("reset nl2sql.scope; reset nl2sql.timeout")
    assert (value(analyst, "scope"), value(analyst, "timeout")) == ("search_path", "30s")


def test_max_timeout_caps_the_preference(database: Database, admin: Connection, analyst: Connection) -> None:
    admin.execute(SET, ("max_timeout", "2s"))
    analyst.execute("set nl2sql.timeout = '500s'")
    assert int(re.findall(r'"deadline_ms": (\d+)', ask(database, analyst).text)[0]) <= 2000


@pytest.mark.parametrize(
    ("name", "new"),
    [
        ("scope", "everything"),
        ("timeout", "soon"),
        ("values", "perhaps"),
        ("samples", "0"),
        ("samples", "17"),
        ("samples", "many"),
        ("trial_run", "2"),
        ("min_confidence", "1.5"),
        ("min_confidence", "nan"),
    ],
)
def test_a_preference_that_makes_no_sense(analyst: Connection, name: str, new: str) -> None:
    analyst.execute(f"set nl2sql.{name} = '{new}'".encode())
    assert refused(analyst, "select nl2sql('how many orders')").sqlstate == "NL105"


# The documentation.


def documented(heading: str) -> dict[str, tuple[str, ...]]:
    """The rows of the table under a heading of docs/settings.md, by name."""
    section = DOCS.read_text().split(f"## {heading}\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `([^`]+)` \| (.*) \|$", section, re.MULTILINE)
    return {name: tuple(cell.strip() for cell in rest.split(" | ")) for name, rest in rows}


def test_the_settings_of_the_extension_are_documented(dba: Connection) -> None:
    rows = dba.execute("select name, value, minimum, maximum, preference, description from nl2sql._setting_default()")
    expected = {
        ("nl2sql." if preference else "") + name: (
            f"`{default}`",
            "" if least is None else f"{least} to {most}",
            description,
        )
        for name, default, least, most, preference, description in rows
    }
    assert documented("In the database") == expected


# Defaults that depend on who runs it where, in words.
COMPUTED = {
    "cache_dir": "user's cache folder",
    "state_dir": "`$STATE_DIRECTORY` (systemd), else `$XDG_STATE_HOME/nl2sql`, else `~/.local/state/nl2sql`",
}


def test_the_settings_of_the_sidecar_are_documented() -> None:
    expected = {}
    for name, field in Settings.model_fields.items():
        default = COMPUTED.get(name) or shown(field.default)
        expected[name] = (default, str(field.description))
    assert documented("The sidecar") == expected


def shown(default: object) -> str:
    """A default as TOML has it."""
    if default is None:
        return "empty"
    if isinstance(default, list):
        return "`[" + ", ".join(f'"{item}"' for item in default) + "]`"
    return f"`{str(default).lower() if isinstance(default, bool) else default}`"
