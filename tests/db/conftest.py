"""What the database tests add: the demo shop."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.conftest import Connection, janitor
from tests.support.shop import EXTRA_TABLES, SEARCH_PATH
from tools.cluster import Cluster

DEMO = Path(__file__).resolve().parents[2] / "sql" / "demo"


@pytest.fixture(scope="session")
def shop_template(cluster: Cluster, template: str) -> Iterator[str]:
    """The name of a database with the demo shop, to be copied: filling it takes many times as long as copying it."""
    with janitor(cluster, "shop_template", template):
        with psycopg.connect(cluster.dsn("shop_template"), autocommit=True) as connection:
            connection.execute((DEMO / "shop.sql").read_bytes())
        yield "shop_template"


@pytest.fixture(scope="session")
def demo_conn(cluster: Cluster, shop_template: str) -> Iterator[Connection]:
    """A superuser's connection to a database with the demo shop and its roles."""
    with (
        janitor(cluster, "demo_shop", shop_template),
        psycopg.connect(cluster.dsn("demo_shop"), autocommit=True) as connection,
    ):
        connection.execute((DEMO / "roles.sql").read_bytes())
        yield connection


@pytest.fixture(scope="session")
def odd_shop(cluster: Cluster, shop_template: str) -> Iterator[Connection]:
    """A superuser's connection to what tests/support/shop_scope.json describes; for reading alone."""
    with (
        janitor(cluster, "odd_shop", shop_template),
        psycopg.connect(cluster.dsn("odd_shop"), autocommit=True) as connection,
    ):
        connection.execute(EXTRA_TABLES.encode())
        connection.execute("select set_config('search_path', %s, false)", (", ".join(SEARCH_PATH),))
        connection.execute("set default_transaction_read_only = on")
        yield connection
