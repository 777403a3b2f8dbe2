"""What the database tests add: the demo shop."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import Connection
from tests.support.databases import new_database
from tests.support.shop import EXTRA_TABLES, SEARCH_PATH
from tools.cluster import Cluster

DEMO = Path(__file__).resolve().parents[2] / "sql" / "demo"


@pytest.fixture(scope="session")
def shop_template(cluster: Cluster, template: str) -> Iterator[str]:
    """The name of a database with the demo shop, to be copied: filling it takes many times as long as copying it."""
    with new_database(cluster, template) as database:
        with database.connect() as connection:
            connection.execute((DEMO / "shop.sql").read_bytes())
        yield database.name


@pytest.fixture(scope="session")
def demo_conn(cluster: Cluster, shop_template: str) -> Iterator[Connection]:
    """A superuser's connection to a database with the demo shop and its roles."""
    with new_database(cluster, shop_template) as database, database.connect() as connection:
        connection.execute((DEMO / "roles.sql").read_bytes())
        yield connection


@pytest.fixture(scope="session")
def odd_shop(cluster: Cluster, shop_template: str) -> Iterator[Connection]:
    """A superuser's connection to what tests/support/shop_scope.json describes; for reading alone."""
    with new_database(cluster, shop_template) as database, database.connect() as connection:
        connection.execute(EXTRA_TABLES.encode())
        connection.execute("select set_config('search_path', %s, false)", (", ".join(SEARCH_PATH),))
        connection.execute("set default_transaction_read_only = on")
        yield connection
