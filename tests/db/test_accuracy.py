"""The accuracy harness from a folder to a report, on real PostgreSQL; the model's part is played by a peer."""

from __future__ import annotations

import gzip
import itertools
import json
import math
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from bench.accuracy.__main__ import Bench
from bench.accuracy.command import read_arguments
from bench.accuracy.results import Run
from bench.accuracy.scoring import Runner, judge, judge_all
from bench.accuracy.suite import OrderKeys, Question
from bench.accuracy.target import alone
from tests.conftest import Database
from tests.support.answering_peer import answers, bodies, request_body, request_path
from tests.support.peer import Behaviour, Peer, answer_to, http, peer
from tools.cluster import Cluster
from tools.errors import ToolError

DUMP = """
DROP SCHEMA IF EXISTS zoo CASCADE;
SELECT pg_catalog.set_config('search_path', '', false);
CREATE SCHEMA zoo;
CREATE TABLE zoo.keeper (id integer PRIMARY KEY, name text);
CREATE TABLE zoo.animal (id integer PRIMARY KEY, name text, legs integer, keeper_id integer REFERENCES zoo.keeper);
INSERT INTO zoo.keeper VALUES (1, 'Ann'), (2, 'Bo');
INSERT INTO zoo.animal VALUES (1, 'ibis', 2, 1), (2, 'lynx', 4, 1), (3, 'emu', 2, 2), (4, 'okapi', 4, 2);
"""
GOLD = {
    "how many animals": "SELECT count(*) FROM animal",
    "names with two legs": "SELECT name FROM animal WHERE legs = 2",
    "names by legs": "SELECT name FROM animal ORDER BY legs",
    "who keeps the lynx": "SELECT k.name FROM keeper AS k JOIN animal AS a ON a.keeper_id = k.id WHERE a.name = 'lynx'",
    "how many keepers": "SELECT count(*) FROM keeper",
}
PROPOSED = {
    "how many animals": "SELECT COUNT(id) AS n FROM animal",
    "names with two legs": "SELECT name, legs FROM animal WHERE legs = 2",
    "names by legs": "SELECT name FROM animal ORDER BY legs DESC",
    "who keeps the lynx": "SELECT k.name FROM keeper AS k WHERE k.name = 'Ann'",
    "how many keepers": "SELECT COUNT(*) FROM keeper AS k WHERE k.wings = 2",
}


def write_folder(root: Path) -> Path:
    folder = root / "zoo_pg" / "dev"
    (folder / "dumps").mkdir(parents=True)
    (folder / "dumps" / "zoo.sql.gz").write_bytes(gzip.compress(DUMP.encode()))
    lines = [
        {"id": f"z{i}", "db": "zoo", "question": text, "gold_pg": sql, "ordered": "ORDER" in sql, "search_path": "zoo"}
        for i, (text, sql) in enumerate(GOLD.items())
    ]
    (folder / "questions.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    return folder


def proposes(statements: dict[str, str]) -> Behaviour:
    """Answers each question with its statement, and everything else as any sidecar does."""
    otherwise = answers()

    def behave(connection: socket.socket, request: bytes) -> None:
        if request_path(request) == "/v1/generate":
            connection.sendall(answer_to(request, statements[request_body(request)["question"]]))
        else:
            otherwise(connection, request)

    return behave


class Harness:
    """The command's parts, on the tests' cluster."""

    def __init__(self, cluster: Cluster, root: Path, listening: Peer, path: Path) -> None:
        self.cluster, self.root, self.peer, self.path = cluster, root, listening, path
        self.folder = write_folder(root)

    def run(self, *arguments: str) -> tuple[Run, Path]:
        """The run and the folder of its report."""
        given = [str(self.folder), "--socket", str(self.path), "--keep", "--callers", "2", *arguments]
        bench = Bench(read_arguments("", given), self.root)
        bench.look_at_age()
        run = bench.run_here(self.cluster)
        bench.report(run)
        return run, bench.out

    def questions(self) -> list[str]:
        """What was asked of the model so far."""
        return sorted(body["question"] for body in bodies(self.peer.requests))


@pytest.fixture
def harness(cluster: Cluster, template: str, tmp_path: Path, short_folder: Path) -> Iterator[Harness]:
    path = short_folder / "accuracy" / "sidecar.sock"
    path.parent.mkdir(exist_ok=True)
    with peer(path, proposes(PROPOSED)) as listening:
        yield Harness(cluster, tmp_path, listening, path)
    with psycopg.connect(cluster.dsn("postgres"), autocommit=True) as connection:
        for name in ("zoo_pg_dev", "zoo_pg_dev_nokeys"):
            connection.execute(f"drop database if exists {name} with (force)".encode())
        connection.execute("drop role accuracy_reader")


def test_from_a_folder_to_a_report(harness: Harness) -> None:
    run, out = harness.run("--arms", "plain")
    assert harness.questions() == sorted(GOLD)
    results = {item.question.text: item.verdict for item in run.plain.items}
    assert {text: verdict.result for text, verdict in results.items()} == {
        "how many animals": "right",
        "names with two legs": "wrong",
        "names by legs": "wrong",
        "who keeps the lynx": "right",
        "how many keepers": "none",
    }
    assert results["names with two legs"].lenient
    assert str(run.plain.right) == "40.0" and str(run.plain.valid) == "80.0"
    assert "| NL406/42703 | no valid answer, unknown column | 1 |" in (out / "report.md").read_text()
    assert (out / "report.html").read_text().startswith("<!doctype html>")
    lines = [json.loads(line) for line in (out / "plain.jsonl").read_text().splitlines()]
    assert [line["result"] for line in lines] == [verdict.result for verdict in results.values()]


def test_a_run_goes_on_where_it_was(harness: Harness) -> None:
    harness.run("--arms", "plain", "--limit", "2")
    assert len(harness.questions()) == 2
    harness.run("--arms", "plain")
    assert harness.questions() == sorted(GOLD)
    run, _ = harness.run("--arms", "plain", "--score-only")
    assert harness.questions() == sorted(GOLD)
    assert len(run.plain.items) == 5


LOADING = {"sqlstate": "NL301", "message": "the engine is loading", "detail": "Nothing was done.", "hint": "Wait."}


def loads_for(times: float) -> Behaviour:
    """An engine that is still loading when it is asked so many times."""
    ready, asked = proposes(PROPOSED), itertools.count()

    def behave(connection: socket.socket, request: bytes) -> None:
        if request_path(request) == "/v1/generate" and next(asked) < times:
            connection.sendall(http({"error": LOADING}, 503))
        else:
            ready(connection, request)

    return behave


def test_what_could_not_be_asked_is_asked_again(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.accuracy.asking.PAUSE", 0.01)
    harness.peer.close()
    with peer(harness.path, loads_for(3)):
        run, _ = harness.run("--arms", "plain")
    assert [item.answer.error.get("sqlstate") for item in run.plain.items].count("NL301") == 0
    assert len(run.plain.items) == 5


def test_what_could_not_be_asked_is_no_answer(harness: Harness, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.accuracy.asking.PAUSE", 0.01)
    monkeypatch.setattr("bench.accuracy.asking.HOPELESS", 3)
    harness.peer.close()
    with peer(harness.path, loads_for(math.inf)), pytest.raises(ToolError, match="the engine is loading"):
        harness.run("--arms", "plain")
    run, _ = harness.run("--arms", "plain", "--score-only")
    assert run.plain.items == []


def test_a_sidecar_that_is_not_there(harness: Harness) -> None:
    harness.peer.close()
    with pytest.raises(ToolError, match="sidecar"):
        harness.run("--arms", "plain")
    harness.path.unlink()
    with pytest.raises(ToolError, match="no sidecar"):
        harness.run("--arms", "plain")


@pytest.mark.parametrize("keys", [True, False])
def test_foreign_keys_as_declared_or_none(harness: Harness, keys: bool) -> None:
    harness.run("--arms", "plain", "--limit", "1", *([] if keys else ["--no-keys"]))
    scope = bodies(harness.peer.requests)[0]["scope"]
    declared = [key for table in scope["tables"] for key in table["foreign_keys"] if key.get("score", 1) == 1]
    assert bool(declared) == keys


def test_two_runs_at_once(tmp_path: Path) -> None:
    with alone(tmp_path), pytest.raises(ToolError, match="another run"), alone(tmp_path):
        pass
    with alone(tmp_path):
        pass


def test_the_scorer_runs_one_select_only(database: Database) -> None:
    question = Question("q", "d", "?", "select 1", False, ("public",))
    runner = Runner(database.dsn())
    statements = ["select 1;", "select 1; select 2", "create table x ()", "select 1 from", "select 2", "select null"]
    found = judge(runner, question, [*statements, " "])
    runner.close()
    assert [found[sql].result for sql in statements] == ["right", "invalid", "invalid", "invalid", "wrong", "wrong"]
    assert found["select 1 from"].error.startswith("42601: ")
    assert " " not in found


def test_the_scorer_knows_ties(database: Database) -> None:
    gold = "select v from (values ('a', 2), ('b', 2), ('c', 1)) as t (v, n) order by n desc"
    keys = OrderKeys(gold.replace("select v", "select v, n"), 1)
    other = gold.replace("('a', 2), ('b', 2)", "('b', 2), ('a', 2)")
    wrong = gold.replace("desc", "asc")
    for order_keys, results in ((keys, ["right", "wrong"]), (None, ["wrong", "wrong"])):
        question = Question("q", "d", "?", gold, True, ("public",), order_keys)
        found = judge_all(database.dsn(), {"q": (question, {other, wrong})})
        assert [found["q", sql].result for sql in (other, wrong)] == results


@pytest.mark.parametrize(
    ("sql", "message"),
    [("select pg_sleep(5)", "57014"), ("select generate_series(1, 60)", "more than 50 rows"), ("selec", "42601")],
)
def test_the_scorer_has_limits(database: Database, monkeypatch: pytest.MonkeyPatch, sql: str, message: str) -> None:
    monkeypatch.setattr("bench.accuracy.scoring.SECONDS", 0.2)
    monkeypatch.setattr("bench.accuracy.scoring.MOST_ROWS", 50)
    runner: Any = Runner(database.dsn())
    assert message in runner.run(sql, ["public"]).error
    runner.close()
