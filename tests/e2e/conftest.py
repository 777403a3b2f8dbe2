"""The whole product, running: PostgreSQL with the demo shop, the real sidecar, a real vLLM with the small model."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from tests.conftest import Connection, Database, janitor
from tests.support.process import SidecarProcess
from tools.cluster import Cluster

DEMO = Path(__file__).resolve().parents[2] / "sql" / "demo"


@dataclass(frozen=True)
class Product:
    """A database that can be asked, and the sidecar that answers."""

    database: Database
    sidecar: SidecarProcess

    def connect(self, user: str = "demo_analyst") -> Connection:
        return self.database.connect(user)


@pytest.fixture(scope="session")
def product(cluster: Cluster, template: str, short_folder: Path) -> Iterator[Product]:
    """Started once; tests that break something mend it again."""
    folder = short_folder / "live"
    with janitor(cluster, "live", template):
        database = Database(cluster, "live", folder / "sidecar.sock")
        prepare(database)
        sidecar = SidecarProcess(folder, databases=[database.dsn("nl2sql_sidecar")], index_interval=0.3)
        try:
            yield Product(database, sidecar.start().wait_until_ready())
        finally:
            sidecar.stop()


def prepare(database: Database) -> None:
    """The demo shop with its roles, and the settings that lead to the test's sidecar."""
    with database.connect() as admin:
        for name in ("shop.sql", "roles.sql"):
            admin.execute((DEMO / name).read_bytes())
        admin.execute("alter role nl2sql_sidecar login")
        admin.execute("select nl2sql.set_setting('socket_path', %s)", (str(database.socket),))
        admin.execute("select nl2sql.set_setting('sidecar_user', %s)", (str(os.geteuid()),))
        admin.execute("select nl2sql.set_setting('max_tokens', '120')")
        admin.execute("select nl2sql.set_setting('audit', null)")


@pytest.fixture
def analyst(product: Product) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """demo_analyst's connection to the demo."""
    with product.connect() as connection:
        yield connection
