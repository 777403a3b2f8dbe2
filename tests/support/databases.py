"""Databases beside the one that each test gets: one for a whole file, or one without the extension."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Iterator
from pathlib import Path

from tests.conftest import Database, janitor
from tools.cluster import Cluster

_numbers = itertools.count(1)


@contextlib.contextmanager
def new_database(cluster: Cluster, template: str | None = None, folder: Path | None = None) -> Iterator[Database]:
    """A copy of `template`, or an empty database, for the length of a block. `folder` is where its sidecar would be."""
    name = f"extra{next(_numbers)}"
    with janitor(cluster, name, template):
        yield Database(cluster, name, (folder or Path("/nonexistent")) / f"{name}.sock")
