"""Runs a statement and its gold side by side, read-only, and says whether the answer is right."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from queue import SimpleQueue

import psycopg

from bench.accuracy.comparing import Row, Span, normal_rows, same_answer, same_row
from bench.accuracy.suite import Question

SECONDS = 10.0
MOST_ROWS = 200_000
RUNNERS = 3


@dataclass(frozen=True)
class Verdict:
    """right, wrong, invalid (it does not run: see `error`), none (there is no statement), or gold failed."""

    result: str
    lenient: bool = False
    error: str = ""

    @property
    def right(self) -> bool:
        return self.result == "right"

    @property
    def valid(self) -> bool:
        return self.result not in ("invalid", "none")


@dataclass(frozen=True)
class Outcome:
    """Rows of a statement, or why there are none."""

    rows: list[Row]
    width: int = 0
    error: str = ""


class Runner:
    """One read-only session."""

    def __init__(self, dsn: str) -> None:
        self.dsn = dsn
        self.connection: psycopg.Connection | None = None

    def session(self) -> psycopg.Connection:
        if self.connection is None or self.connection.closed or self.connection.broken:
            self.connection = psycopg.connect(self.dsn, autocommit=True)
            self.connection.execute("set cursor_tuple_fraction = 1")
            self.connection.execute("set default_transaction_read_only = on")
            self.connection.execute(f"set statement_timeout = {int(SECONDS * 1000)}".encode())
        return self.connection

    def run(self, sql: str, search_path: Collection[str]) -> Outcome:
        """A cursor takes exactly one statement that returns rows; a second one, or a write, is an error."""
        connection = self.session()
        try:
            connection.execute("begin read only")
            connection.execute("select set_config('search_path', %s, true)", (quoted_path(search_path),))
            with connection.cursor(name="answer") as cursor:
                cursor.execute(sql.strip().rstrip(";").strip().encode())
                rows = cursor.fetchmany(MOST_ROWS + 1)
                if len(rows) > MOST_ROWS:
                    return Outcome([], error=f"more than {MOST_ROWS} rows")
                return Outcome(normal_rows(rows), len(cursor.description or ()))
        except psycopg.errors.QueryCanceled:
            return Outcome([], error=f"57014: it ran for more than {SECONDS:g} s")
        except (psycopg.Error, ValueError, OverflowError) as error:  # the latter: a date that Python does not have
            return Outcome([], error=told(error))
        finally:
            self._roll_back(connection)

    def _roll_back(self, connection: psycopg.Connection) -> None:
        try:
            connection.execute("rollback")
        except psycopg.Error:
            self.connection = None

    def close(self) -> None:
        if self.connection:
            self.connection.close()


def told(error: Exception) -> str:
    state = getattr(error, "sqlstate", None)
    first = str(error).split("\n", 1)[0] or type(error).__name__
    return f"{state}: {first}" if state else first


def quoted_path(search_path: Collection[str]) -> str:
    return ", ".join('"' + schema.replace('"', '""') + '"' for schema in search_path)


def judge(runner: Runner, question: Question, statements: Iterable[str]) -> dict[str, Verdict]:
    """Verdicts on different answers to one question; the gold runs once."""
    wanted = [statement for statement in statements if statement.strip()]
    if not wanted:
        return {}
    gold = runner.run(question.gold, question.search_path)
    ties = tie_spans(runner, question, gold.rows) if question.ordered and not gold.error else None
    return {sql: verdict(runner.run(sql, question.search_path), gold, ties) for sql in wanted}


def verdict(found: Outcome, gold: Outcome, ties: list[Span] | None) -> Verdict:
    if found.error:
        return Verdict("invalid", error=found.error)
    if gold.error:
        return Verdict("gold failed", error=gold.error)
    widths = (gold.width, found.width)
    if same_answer(gold.rows, found.rows, widths, ties, lenient=False):
        return Verdict("right", lenient=True)
    return Verdict("wrong", lenient=same_answer(gold.rows, found.rows, widths, ties, lenient=True))


def tie_spans(runner: Runner, question: Question, gold: list[Row]) -> list[Span]:
    """Runs of gold rows with equal sort keys; each row by itself where the keys can't be had."""
    single = [(i, i + 1) for i in range(len(gold))]
    if question.order_keys is None:
        return single
    outcome = runner.run(question.order_keys.sql, question.search_path)
    if outcome.error or len(outcome.rows) != len(gold):
        return single
    keys = [row[-question.order_keys.count :] for row in outcome.rows]
    starts: list[int] = []
    for place, key in enumerate(keys):
        if not starts or not same_row(key, keys[starts[-1]]):
            starts.append(place)
    return list(pairwise([*starts, len(keys)]))


def judge_all(dsn: str, asked: dict[str, tuple[Question, set[str]]]) -> dict[tuple[str, str], Verdict]:
    """Verdicts by question and statement, by a few sessions at once."""
    runners: SimpleQueue[Runner] = SimpleQueue()
    made = [Runner(dsn) for _ in range(RUNNERS)]
    for runner in made:
        runners.put(runner)

    def work(entry: tuple[Question, set[str]]) -> dict[tuple[str, str], Verdict]:
        question, statements = entry
        runner = runners.get()
        try:
            found = judge(runner, question, sorted(statements))
        finally:
            runners.put(runner)
        return {(question.id, sql): said for sql, said in found.items()}

    with ThreadPoolExecutor(RUNNERS) as pool:
        verdicts = {key: said for part in pool.map(work, asked.values()) for key, said in part.items()}
    for runner in made:
        runner.close()
    return verdicts
