"""The extension's modules outside of a server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.plpy import no_server


@pytest.fixture(autouse=True)
def _no_server() -> Iterator[None]:
    with no_server():
        yield
