"""An updated database equals a fresh one, with rows in it and sessions at work; the build refuses what breaks this.

The next version is made up here: a copy of the sources in which the present version has been released, with one more
run-once file and changed functions. It is installed on a PostgreSQL installation of its own.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from tests.conftest import FAST, Connection, Database
from tests.db.test_question_errors import refused
from tests.support.answering_peer import answers
from tests.support.databases import new_database
from tests.support.journal import journal
from tests.support.own_server import OwnServer, own_server
from tests.support.peer import peer
from tests.support.snapshot import EXTENSION, snapshot
from tools.cluster import Cluster

ROOT = Path(__file__).resolve().parents[2]
PRESENT = re.search(r"default_version = '([\d.]+)'", (ROOT / "extension" / "nl2sql.control.in").read_text())[1]  # type: ignore[index]
NEXT = "9.0.0"

CHANGE = """\
alter table nl2sql.setting add column reason text;
create table nl2sql.invented (id int primary key, note text not null default 'x');
comment on table nl2sql.invented is 'of the next version';
select pg_catalog.pg_extension_config_dump('nl2sql.invented', '');
"""
NEW_FUNCTION = """
create or replace function nl2sql._invented(n int)
returns int
language sql immutable strict security invoker parallel safe
set search_path = pg_catalog, pg_temp
as $sql$ select n + 1 $sql$;
comment on function nl2sql._invented(int) is 'of the next version';
"""


def build(tree: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(tree / "extension" / "build.py"), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def copy_sources(folder: Path) -> Path:
    """A tree with extension/ and sql/ as they are now."""
    for name in ("extension", "sql"):
        shutil.copytree(
            ROOT / name, folder / name, ignore=shutil.ignore_patterns("build", "__pycache__", "nl2sql.control", "demo")
        )
    return folder


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert text.count(old) == 1, f"{path.name}: {old!r} stands there {text.count(old)} times"
    path.write_text(text.replace(old, new))


def make_next(tree: Path) -> None:
    """Turn the tree into the next version."""
    assert build(tree, "release").returncode == 0
    edit(tree / "extension" / "nl2sql.control.in", f"'{PRESENT}'", f"'{NEXT}'")
    edit(tree / "extension" / "nl2sql_pg" / "__init__.py", f'"{PRESENT}"', f'"{NEXT}"')
    (tree / "sql" / "changes" / "900_invented.sql").write_text(CHANGE)
    edit(
        tree / "sql" / "functions" / "100_settings.sql",
        "'most tables shown to the model;",
        "'as many tables as are shown;",
    )
    edit(tree / "sql" / "functions" / "416_mask_watch.sql", "'COMMENT', 'GRANT'", "'COMMENT', 'ALTER RULE', 'GRANT'")
    with (tree / "sql" / "functions" / "300_ask.sql").open("a") as functions:
        functions.write(NEW_FUNCTION)


@dataclass(frozen=True)
class Versions:
    """A cluster on an installation that has the present and the next version."""

    cluster: Cluster
    server: OwnServer
    present: Path
    next: Path


@pytest.fixture(scope="module")
def versions() -> Iterator[Versions]:
    root = Path(tempfile.mkdtemp(prefix="nl2sql-upgrade-"))
    root.chmod(0o755)
    server = own_server(root / "pg")
    present, following = copy_sources(root / "present"), copy_sources(root / "next")
    make_next(following)
    server.install(present)
    server.install(following, keep=True)
    try:
        with Cluster(root / "cluster", pg_config=server.pg_config, settings=FAST) as cluster:
            yield Versions(cluster, server, present, following)
    finally:
        shutil.rmtree(root)


@pytest.fixture
def old(versions: Versions) -> Iterator[Database]:
    """A database with the present version, in use."""
    use_version(versions, versions.present)
    with new_database(versions.cluster, folder=versions.cluster.root) as found:
        with found.connect() as admin:
            admin.execute("create extension nl2sql cascade")
            use(admin, found)
        use_version(versions, versions.next)
        yield found


def use_version(versions: Versions, tree: Path) -> None:
    """The control file of one version, as its `make install` leaves it. The scripts of both stay."""
    control = tree / "extension" / "nl2sql.control"
    shutil.copy(control, versions.server.share / "extension" / "nl2sql.control")


def use(admin: Connection, database: Database) -> None:
    """What users do with it, the same in the old and in a fresh database."""
    admin.execute("do $$ begin if to_regrole('reporting') is null then create role reporting; end if; end $$")
    admin.execute("grant execute on function nl2sql.status() to reporting; grant usage on schema nl2sql to reporting")
    admin.execute("select nl2sql.set_setting('max_tables', '17'), nl2sql.set_setting('sidecar_user', '0')")
    admin.execute("select nl2sql.set_setting('socket_path', %s)", (str(database.socket),))
    admin.execute("create table mine (id int, t text)")


def test_updated_equals_fresh(versions: Versions, old: Database) -> None:
    with old.connect() as admin:
        rows = admin.execute("select name, value, changed_at, changed_by from nl2sql.setting order by name").fetchall()
        with peer(old.socket, answers()):
            admin.execute("select nl2sql.refresh_index()")
        before = snapshot(admin, EXTENSION)
        assert not any("ALTER RULE" in trigger for trigger in before["event triggers"] if "_mask_" in trigger)
        admin.execute("alter extension nl2sql update")
        updated = snapshot(admin, EXTENSION)
        kept = "select name, value, changed_at, changed_by from nl2sql.setting order by name"
        assert admin.execute(kept).fetchall() == rows and len(rows) == 3
        assert admin.execute("select count(*) from nl2sql._index where embedding is not null").fetchone() == (3,)
        assert admin.execute("select nl2sql._invented(1)").fetchone() == (2,)
    with new_database(versions.cluster, folder=versions.cluster.root) as fresh, fresh.connect() as admin:
        admin.execute("create extension nl2sql cascade")
        use(admin, fresh)
        expected = snapshot(admin, EXTENSION)
    assert updated == expected
    assert updated["version"] == [NEXT] and before["version"] == [PRESENT]
    changed = {name for name in EXTENSION if before[name] != updated[name]}
    assert changed >= {
        "version",
        "members",
        "dumped tables",
        "columns",
        "constraints",
        "functions",
        "comments",
        "event triggers",
    }


def test_an_update_over_a_version_without_changes(versions: Versions, old: Database) -> None:
    """The update script is there for each released version, and the functions are replayed."""
    with old.connect() as admin:
        paths = admin.execute("select source, target, path from pg_extension_update_paths('nl2sql')").fetchall()
        assert (PRESENT, NEXT, f"{PRESENT}--{NEXT}") in paths
        admin.execute("create or replace function nl2sql._words(identifier text) returns text language sql immutable"
                      " as 'select ''spoilt''::text'")  # fmt: skip
        admin.execute("alter extension nl2sql update")
        assert admin.execute("select nl2sql._words('orderItems')").fetchone() == ("order items",)


def test_sessions_at_work_go_on(old: Database) -> None:
    """A session that has loaded the old Python package uses the new one from the next call on."""
    component = "select state, detail from nl2sql.status() where component = 'extension'"
    with old.connect() as working, old.connect() as idle_in_transaction, old.connect() as admin:
        assert working.execute(component).fetchone() == ("ready", f"version {PRESENT}, protocol 1")
        idle_in_transaction.execute("begin")
        idle_in_transaction.execute("select 1")
        admin.execute("alter extension nl2sql update")
        for session in (working, idle_in_transaction, admin):
            assert session.execute(component).fetchone() == ("ready", f"version {NEXT}, protocol 1")
        assert refused(working, "select nl2sql('how many')").sqlstate == "NL601"
        with journal(old.socket, answers("select count(*) from mine")):
            assert working.execute("select nl2sql('how many')").fetchone() == ("select count(*) from mine",)


def test_before_the_update_the_old_version_works_on(old: Database) -> None:
    """`make install` of a new version alone changes nothing for a database that still has the old one."""
    with old.connect() as session:
        state = session.execute("select state, detail from nl2sql.status() where component = 'extension'").fetchone()
        assert state == ("ready", f"version {PRESENT}, protocol 1")
        with journal(old.socket, answers("select count(*) from mine")):
            assert session.execute("select nl2sql('how many')").fetchone() == ("select count(*) from mine",)


def test_a_failed_update_changes_nothing(versions: Versions, old: Database) -> None:
    with old.connect() as admin:
        before = snapshot(admin, EXTENSION)
        admin.execute("create table nl2sql.invented (id int)")
        with pytest.raises(psycopg.errors.DuplicateTable):
            admin.execute("alter extension nl2sql update")
        admin.execute("drop table nl2sql.invented")
        assert snapshot(admin, EXTENSION) == before
        assert refused(admin, "select nl2sql('how many')").sqlstate == "NL601"


# The build.


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Sources whose present version has been released."""
    sources = copy_sources(tmp_path)
    assert build(sources, "release").returncode == 0
    return sources


def test_the_present_sources_pass(tree: Path) -> None:
    assert build(ROOT, "check").returncode == 0
    assert build(tree, "check").returncode == 0
    assert build(tree, "version").stdout.strip() == PRESENT


def test_releasing_twice_changes_nothing(tree: Path) -> None:
    manifest = tree / "sql" / "changes" / "manifest.txt"
    before = manifest.read_text()
    assert build(tree, "release").returncode == 0
    assert manifest.read_text() == before
    assert len(re.findall(rf"^\d\d\d_\w+\.sql {re.escape(PRESENT)} [0-9a-f]{{64}}$", before, re.MULTILINE)) == len(
        list((ROOT / "sql" / "changes").glob("*.sql"))
    )


def change_released(tree: Path) -> None:
    with (tree / "sql" / "changes" / "020_schema.sql").open("a") as file:
        file.write("-- harmless\n")


def remove_released(tree: Path) -> None:
    (tree / "sql" / "changes" / "030_setting.sql").unlink()


def double_number(tree: Path) -> None:
    (tree / "sql" / "changes" / "040_another.sql").write_text("select 1;\n")


def double_function_number(tree: Path) -> None:
    (tree / "sql" / "functions" / "300_another.sql").write_text("select 1;\n")


def bad_name(tree: Path) -> None:
    (tree / "sql" / "changes" / "next.sql").write_text("select 1;\n")


def no_version(tree: Path) -> None:
    edit(tree / "extension" / "nl2sql.control.in", f"'{PRESENT}'", "'1.0-beta'")


MISTAKES = [change_released, remove_released, double_number, double_function_number, bad_name, no_version]


@pytest.mark.parametrize("mistake", MISTAKES)
@pytest.mark.parametrize("action", ["build", "check"])
def test_the_build_refuses(tree: Path, mistake: Callable[[Path], None], action: str) -> None:
    mistake(tree)
    done = build(tree, action, "--out", str(tree / "out"))
    assert done.returncode == 1
    assert done.stderr.startswith("build.py: ") and "Traceback" not in done.stderr
    assert not list(tree.glob("out/*.sql"))


def test_scripts_of_the_next_version(tree: Path) -> None:
    make_next(tree)
    assert build(tree, "build", "--out", str(tree / "out")).returncode == 0
    names = {path.name for path in (tree / "out").iterdir()}
    assert names == {f"nl2sql--{NEXT}.sql", f"nl2sql--{PRESENT}--{NEXT}.sql"}
    update = (tree / "out" / f"nl2sql--{PRESENT}--{NEXT}.sql").read_text()
    assert "create table nl2sql.invented" in update and "create table nl2sql.setting" not in update
    assert update.startswith('\\echo Use "ALTER EXTENSION nl2sql UPDATE"')
    assert "create or replace function nl2sql._words" in update
