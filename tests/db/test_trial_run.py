"""Trial runs: read-only, within limits, as the caller, and undone; and what a trace and a refusal tell."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import psycopg
import pytest

from tests.conftest import Connection, Database
from tests.support.peer import answer_to, peer

Ask = Callable[..., dict[str, object]]


@pytest.fixture
def ask(database: Database, admin: Connection, analyst: Connection) -> Ask:
    """Ask as the analyst; the sidecar proposes these statements, once for each request."""
    admin.execute("create table public.bait (id int, name text)")
    admin.execute("insert into public.bait values (1, 'one'), (2, 'two')")
    admin.execute("create sequence public.tally")
    admin.execute("create view counted as select nextval('tally') as next_one; grant select on counted to analyst")
    admin.execute("grant select on public.bait to analyst; grant usage on sequence public.tally to analyst")

    def proposing(*statements: str, settings: str = "set nl2sql.trial_run = on") -> dict[str, object]:
        analyst.execute(settings.encode())
        with peer(database.socket, lambda c, r: c.sendall(answer_to(r, *statements))):
            row = analyst.execute("select nl2sql.ask('how many bait names')").fetchone()
        assert row
        return dict(row[0])  # type: ignore[call-overload]

    return proposing


def first_error(answer: dict[str, object]) -> object:
    return answer["candidates"][0]["error"]  # type: ignore[index]


SLOW = "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n) SELECT COUNT(*) FROM n"
GOOD = "SELECT COUNT(*) FROM bait"


@pytest.mark.parametrize(
    ("statement", "sqlstate"),
    [
        ("SELECT 1 / (id - id) FROM bait", "22012"),
        ("SELECT CAST(name AS INT) FROM bait", "22P02"),
        ("SELECT set_config('role', 'none', TRUE) FROM bait", "NL403"),
        ("SELECT nextval('tally') FROM bait", "NL403"),
        ("SELECT next_one FROM counted", "25006"),
    ],
)
def test_what_fails_while_it_runs_is_no_answer(ask: Ask, statement: str, sqlstate: str) -> None:
    answer = ask(statement, GOOD)
    assert answer["sql"] == GOOD
    assert first_error(answer)["sqlstate"] == sqlstate  # type: ignore[index]


def test_what_read_only_lets_through_is_undone(ask: Ask, admin: Connection) -> None:
    """Before PostgreSQL 16 a READ ONLY transaction may make large objects. What stands in views is their owners'."""
    admin.execute("create view made as select lo_create(4711); grant select on made to analyst")
    answer = ask("SELECT * FROM made", GOOD)
    if admin.info.server_version >= 160_000:
        assert first_error(answer)["sqlstate"] == "25006"  # type: ignore[index]
    else:
        assert answer["sql"] != GOOD
    assert admin.execute("select count(*) from pg_largeobject_metadata where oid = 4711").fetchone() == (0,)


def test_nothing_runs_unasked(ask: Ask) -> None:
    failing = "SELECT 1 / (id - id) FROM bait"
    assert ask(failing, settings="set nl2sql.trial_run = off")["sql"] == failing


def test_a_slow_proposal_is_stopped_and_stays(ask: Ask, admin: Connection) -> None:
    admin.execute("select nl2sql.set_setting('trial_milliseconds', '100')")
    admin.execute("select nl2sql.set_setting('trial_cost', '999999999')")
    began = time.monotonic()
    assert ask(SLOW)["sql"] == SLOW
    assert 0.1 < time.monotonic() - began < 10


def test_statement_timeout_still_ends_the_question(ask: Ask, admin: Connection) -> None:
    admin.execute("select nl2sql.set_setting('trial_milliseconds', '60000')")
    admin.execute("select nl2sql.set_setting('trial_cost', '999999999')")
    with pytest.raises(psycopg.errors.QueryCanceled):
        ask(SLOW, settings="set nl2sql.trial_run = on; set statement_timeout = '1s'")


def test_a_huge_cell_ends_no_backend(ask: Ask, analyst: Connection) -> None:
    answer = ask("SELECT REPEAT(name, 300000000) FROM bait", GOOD)
    assert answer["sql"]
    row = analyst.execute("select 1").fetchone()
    assert row == (1,)


def test_equal_rows_agree(ask: Ask) -> None:
    answer = ask("SELECT MAX(id) FROM bait", GOOD, "SELECT COUNT(id) FROM bait", "SELECT MIN(id) FROM bait")
    assert answer["sql"] in (GOOD, "SELECT MAX(id) FROM bait", "SELECT COUNT(id) FROM bait")


def test_low_confidence_is_an_error(ask: Ask) -> None:
    with pytest.raises(psycopg.Error) as caught:
        ask(GOOD, "SELECT MIN(id) FROM bait", settings="set nl2sql.min_confidence = 1")
    assert caught.value.sqlstate == "NL407"
    assert "ambiguous" in str(caught.value)
    assert caught.value.diag.message_detail and "did you mean" in caught.value.diag.message_detail


def test_what_is_withheld_is_not_named(database: Database, admin: Connection, analyst: Connection) -> None:
    admin.execute("create table public.salaries (amount int)")
    with peer(database.socket, lambda c, r: c.sendall(answer_to(r, "SELECT x FROM nowhere"))):
        with pytest.raises(psycopg.Error) as caught:
            analyst.execute("select nl2sql('the sum of all salary')")
        assert caught.value.sqlstate == "NL408"
        assert "salaries" not in str(caught.value)
        with pytest.raises(psycopg.Error) as caught:
            analyst.execute("select nl2sql('phase of moons')")
        assert caught.value.sqlstate == "NL409"
        assert "salaries" not in str(caught.value) + str(caught.value.diag.message_hint)


def test_trace_tells_every_stage(database: Database, ask: Ask, analyst: Connection) -> None:
    with peer(database.socket, lambda c, r: c.sendall(answer_to(r, GOOD))) as listening:
        rows = analyst.execute("select step, stage, item, detail, ms from nl2sql.trace('bait?')").fetchall()
    assert [step for step, *_ in rows] == list(range(1, len(rows) + 1))
    stages = [stage for _, stage, *_ in rows]
    assert {"table", "candidate", "judgement", "choice", "time", "tokens"} <= set(stages)
    assert any(stage == "table" and item == "public.bait" for _, stage, item, *_ in rows)
    assert json.loads(listening.requests[0].partition(b"\r\n\r\n")[2])["show_prompt"] is True


def test_a_question_without_an_answer_has_a_trace(database: Database, ask: Ask, analyst: Connection) -> None:
    with peer(database.socket, lambda c, r: c.sendall(answer_to(r, "SELECT nowhere FROM bait"))):
        rows = analyst.execute("select stage, item from nl2sql.trace('bait?')").fetchall()
    assert any(stage == "error" and "NL406" in str(item) for stage, item in rows)
