"""Processes die under waiting callers: clean errors in time, and the next question after the restart is answered."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import psycopg
import pytest

from tests.conftest import Connection
from tests.e2e.conftest import Product
from tests.e2e.test_answers import HOW_MANY, ask
from tests.support.process import SidecarProcess

WAITERS = 20
# Seconds. A caller that does not hear of the death waits for nl2sql.timeout, 30 s. What a quiet machine needs is
# printed (pytest -rP); a busy one may take a few seconds to wake 20 sessions.
PROMPTLY = 10
LONG = "List the name, city and e-mail of all customers with their orders, payments, shipments and returns, case {}"


def ask_until_end(dsn: str, question: str, start: Callable[[], object] = lambda: None) -> tuple[str | None, float]:
    """SQLSTATE of a question (None: answered), and when it ended; `start` is called once the session is warm."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute("select * from nl2sql.status()")  # the session's first call loads Python
        start()
        try:
            ask(connection, question)
        except psycopg.Error as error:
            assert error.diag.message_hint
            return error.sqlstate, time.monotonic()
    return None, time.monotonic()


@pytest.fixture
def first_answers_only(product: Product) -> Iterator[None]:
    """No repair rounds: each caller is one sequence in the engine, so that counting these counts callers."""
    with product.connect("postgres") as admin:
        admin.execute("select nl2sql.set_setting('repair_rounds', '0')")
        yield
        admin.execute("select nl2sql.set_setting('repair_rounds', null)")


def waiting_callers(product: Product, pool: ThreadPoolExecutor) -> list[Future[tuple[str | None, float]]]:
    """Questions of many callers, all in the engine."""
    product.sidecar.wait_until_ready()
    dsn, together = product.database.dsn("demo_analyst"), Barrier(WAITERS)
    futures = [pool.submit(ask_until_end, dsn, LONG.format(number), together.wait) for number in range(WAITERS)]
    product.sidecar.wait_for(lambda: product.sidecar.engine_running() >= WAITERS, 60)
    return futures


def last_error(failed: list[tuple[str | None, float]], killed: float) -> float:
    """Seconds from the kill until the last waiting caller heard of it."""
    slowest = max(ended for _, ended in failed) - killed
    print(f"{len(failed)} of {WAITERS} callers were waiting; the last heard of it after {slowest:.2f} s")
    return slowest


def test_cancel_ends_the_work_in_the_engine(product: Product, analyst: Connection) -> None:
    analyst.execute("set statement_timeout = '1500ms'")
    with pytest.raises(psycopg.errors.QueryCanceled):
        ask(analyst, LONG.format("cancel"))
    product.sidecar.wait_for(lambda: product.sidecar.engine_running() == 0, 2)


@pytest.mark.usefixtures("first_answers_only")
def test_engine_killed(product: Product, analyst: Connection) -> None:
    with ThreadPoolExecutor(WAITERS) as pool:
        futures = waiting_callers(product, pool)
        killed = time.monotonic()
        os.kill(product.sidecar.engine_pid(), signal.SIGKILL)
        results = [future.result(timeout=30) for future in futures]
    failed = [(sqlstate, ended) for sqlstate, ended in results if sqlstate is not None]
    assert {sqlstate for sqlstate, _ in failed} == {"NL302"}
    assert last_error(failed, killed) < PROMPTLY
    with pytest.raises(psycopg.Error) as caught:
        ask(analyst, HOW_MANY)
    assert caught.value.sqlstate in ("NL301", "NL302")
    product.sidecar.wait_until_ready()
    assert "customers" in ask(analyst, HOW_MANY)


@pytest.mark.usefixtures("first_answers_only")
def test_sidecar_killed(product: Product, analyst: Connection) -> None:
    with ThreadPoolExecutor(WAITERS) as pool:
        futures = waiting_callers(product, pool)
        killed = time.monotonic()
        product.sidecar.kill()
        results = [future.result(timeout=30) for future in futures]
    failed = [(sqlstate, ended) for sqlstate, ended in results if sqlstate is not None]
    assert {sqlstate for sqlstate, _ in failed} == {"NL004"}
    assert last_error(failed, killed) < PROMPTLY
    with pytest.raises(psycopg.Error) as caught:
        ask(analyst, HOW_MANY)
    assert caught.value.sqlstate == "NL601", "nobody is there to keep the record"

    product.sidecar.start()  # over the dead one's sockets and what it left of its engine
    with pytest.raises(psycopg.Error) as caught:
        ask(analyst, HOW_MANY)
    assert caught.value.sqlstate == "NL301", "loading is not dead"
    product.sidecar.wait_until_ready()
    assert "customers" in ask(analyst, HOW_MANY)


@pytest.fixture
def truncated_model(tmp_path: Path) -> Path:
    """A model folder whose weights were cut short."""
    from sidecar.models.resolve import resolve

    whole = resolve("qwen2.5-coder-0.5b-instruct").path
    for file in whole.iterdir():
        if file.suffix != ".safetensors":
            (tmp_path / file.name).symlink_to(file)
    with (whole / "model.safetensors").open("rb") as source:
        (tmp_path / "model.safetensors").write_bytes(source.read(1_000_000))
    return tmp_path


def state_of(sidecar: SidecarProcess, product: Product, analyst: Connection) -> tuple[str, str | None]:
    """The engine's state once it is decided, and the SQLSTATE that a question then gets."""
    with product.connect("postgres") as admin:
        admin.execute("select nl2sql.set_setting('socket_path', %s)", (str(sidecar.socket),))
        try:
            sidecar.wait_for(lambda: sidecar.engine_state() in ("missing model", "dead"), 60)
            sqlstate, _ = ask_until_end(product.database.dsn("demo_analyst"), HOW_MANY)
        finally:
            admin.execute("select nl2sql.set_setting('socket_path', %s)", (str(product.sidecar.socket),))
    return sidecar.engine_state(), sqlstate


def test_model_missing(product: Product, analyst: Connection, short_folder: Path, tmp_path: Path) -> None:
    sidecar = SidecarProcess(short_folder / "missing", model=str(tmp_path / "nowhere")).start()
    try:
        assert state_of(sidecar, product, analyst) == ("missing model", "NL303"), sidecar.tail()
    finally:
        sidecar.stop()


def test_model_corrupt(product: Product, analyst: Connection, short_folder: Path, truncated_model: Path) -> None:
    sidecar = SidecarProcess(short_folder / "corrupt", model=str(truncated_model)).start()
    try:
        assert state_of(sidecar, product, analyst) == ("dead", "NL304"), sidecar.tail()
    finally:
        sidecar.stop()
