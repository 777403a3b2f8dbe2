"""What the database tests add: the demo shop."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.conftest import Connection, janitor
from tools.cluster import Cluster

DEMO = Path(__file__).resolve().parents[2] / "sql" / "demo"


@pytest.fixture(scope="session")
def demo_conn(cluster: Cluster, template: str) -> Iterator[Connection]:
    """A superuser's connection to a database with the demo shop and its roles."""
    with (
        janitor(cluster, "demo_shop", template),
        psycopg.connect(cluster.dsn("demo_shop"), autocommit=True) as connection,
    ):
        for name in ("shop.sql", "roles.sql"):
            connection.execute((DEMO / name).read_bytes())
        yield connection
