"""What a masked role tries in order to see a masked column, or rows that are not for it: nothing of it works."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.conftest import Connection, janitor
from tools.cluster import Cluster

DATABASE = "attacked_masks"
ROLES = ["spy", "bank", "desk", "policy_admin"]

# In every clear value there is one of these; the masks leave none of them visible.
CLEAR = re.compile(r"zebra|quokka|4111111111111111|5500005555555559|51234|98765|1980-02-03|1991-07-09|hidden-row", re.I)

HERE = Path(__file__).parent
VIEW = "bank_masked.client"


def read_ways() -> dict[str, str]:
    lines = (HERE / "masking_ways.txt").read_text().splitlines()
    ways = [line.split(" : ", 1) for line in lines if not line.startswith("#")]
    return {name: statement.replace("VIEW", VIEW) for name, statement in ways}


WAYS = read_ways()


@pytest.fixture(scope="module")
def attacked(cluster: Cluster, template: str) -> Iterator[str]:
    """The DSN of a masked role's database, which all attacks share."""
    with janitor(cluster, DATABASE, template):
        try:
            with psycopg.connect(cluster.dsn(DATABASE), autocommit=True) as owner:
                owner.execute((HERE / "masking_bank.sql").read_bytes())
            yield cluster.dsn(DATABASE, "spy")
        finally:
            with psycopg.connect(cluster.dsn(DATABASE), autocommit=True) as owner:
                for (role,) in owner.execute(
                    "select rolname from pg_roles where rolname = any (%s)", (ROLES,)
                ).fetchall():
                    owner.execute(f"drop owned by {role} cascade; drop role {role}")


@pytest.fixture(scope="module")
def spy(attacked: str) -> Iterator[Connection]:
    with psycopg.connect(attacked, autocommit=True) as connection:
        yield connection


def everything_seen(connection: Connection, statement: str) -> list[str]:
    """All that comes back: rows of every result, notices, and the whole text of errors. Nothing of it is kept."""
    seen: list[str] = []
    connection.add_notice_handler(lambda notice: seen.append(f"{notice.message_primary} {notice.message_detail}"))
    try:
        with connection.transaction(force_rollback=True):
            if statement.startswith("copy"):
                with connection.cursor().copy(statement) as copied:
                    seen.extend(bytes(row).decode() for row in copied)
                return seen
            cursor = connection.execute(statement)
            while True:
                if cursor.description:
                    seen.extend(" | ".join(map(str, row)) for row in cursor.fetchall())
                if not cursor.nextset():
                    return seen
    except psycopg.Error as error:
        diagnosis = error.diag
        seen += [str(error), str(diagnosis.message_detail), str(diagnosis.message_hint), str(diagnosis.context)]
    finally:
        connection._notice_handlers.clear()
    return seen


@pytest.mark.parametrize("way", WAYS)
def test_no_clear_value(spy: Connection, way: str) -> None:
    statement = WAYS[way]
    told = [line for line in everything_seen(spy, statement) if CLEAR.search(strip_own_words(line, statement))]
    assert told == []


def strip_own_words(line: str, statement: str) -> str:
    """Without what the attack wrote itself: an error or a plan may repeat its literals, a result may not."""
    if "LINE 1:" in line or "Filter:" in line or "Cond:" in line or '"Filter"' in line:
        for literal in re.findall(r"'([^']*)'", statement):
            line = line.replace(literal, "")
    return line


def test_there_are_many_ways() -> None:
    assert len(WAYS) >= 60


def test_the_pattern_finds_clear_values(cluster: Cluster, attacked: str) -> None:
    """Each column would be noticed: the owner sees what the attacks look for."""
    with psycopg.connect(cluster.dsn(DATABASE), autocommit=True) as owner:
        owner.execute("set role bank")
        for column in ("name", "email", "card", "salary", "born"):
            rows = everything_seen(owner, f"select {column} from bank.client where id = 1")
            assert len(rows) == 1 and CLEAR.search(rows[0])


def test_row_security_holds_through_the_masked_view(spy: Connection) -> None:
    assert spy.execute("select id from bank_masked.client order by id").fetchall() == [(1,), (2,)]


def test_dates_and_numbers_are_masked(spy: Connection) -> None:
    assert spy.execute("select salary::text, born::text, name from bank_masked.client where id = 1").fetchone() == (
        "50000.00",
        "1980-01-01",
        None,
    )


def test_unqualified_names_read_the_masked_view(cluster: Cluster, attacked: str) -> None:
    with psycopg.connect(cluster.dsn(DATABASE), autocommit=True) as owner:
        owner.execute("alter role spy set search_path = bank, public; select nl2sql.use_masked('spy')")
    with psycopg.connect(attacked, autocommit=True) as session:
        assert session.execute("show search_path").fetchone() == ("bank_masked, bank, public",)
        assert session.execute("select count(*), min(salary)::int from client").fetchone() == (2, 50000)
        assert everything_seen(session, "select * from bank.client")[0].startswith("permission denied")


def test_policy_admin_sees_nothing(cluster: Cluster, attacked: str) -> None:
    with psycopg.connect(cluster.dsn(DATABASE), autocommit=True) as admin:
        admin.execute("set role policy_admin")
        for relation in ("bank.client", "bank_masked.client", "bank.plain"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                admin.execute(f"select * from {relation}")
