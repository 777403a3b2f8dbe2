"""Statements made of statements: what the guard lets through means what it meant, and so does what repair may touch.

`python -m bench.guard --fuzz 100000` does the same for longer, and through nl2sql.run().
"""

from __future__ import annotations

import random

from bench.guard import FEW_ROWS, fuzz, scope_of
from bench.same_rows import Comparison
from tests.db.conftest import DEMO
from tests.support.databases import new_database
from tools.cluster import Cluster

STATEMENTS = 1500


def test_no_statement_changes(cluster: Cluster, shop_template: str) -> None:
    found = Comparison()
    with new_database(cluster, shop_template) as database, database.connect() as admin:
        admin.execute(FEW_ROWS.encode())
        admin.execute((DEMO / "roles.sql").read_bytes())
        with database.connect("demo_analyst") as reader:
            for _ in fuzz(reader, scope_of(reader), STATEMENTS, random.Random(STATEMENTS), found):
                pass
    assert found.differences == []
    assert found.counts["allowed, with rows"] > 200
    assert found.counts["understood by sqlglot"] > 200
