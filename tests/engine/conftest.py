"""One real vLLM for the whole folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.engine import EngineHost, small_model
from tests.support.tiny_model import make_tiny_model


@pytest.fixture(scope="session")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EngineHost]:
    """A ready engine with the 0.5B."""
    host = EngineHost(tmp_path_factory.mktemp("engine"), small_model)
    host.start()
    try:
        host.wait_for("ready", "dead", "missing model")
        assert host.engine.state().state == "ready", host.engine.state()
        yield host
    finally:
        host.stop()


@pytest.fixture
def tiny_model(tmp_path: Path) -> Path:
    return make_tiny_model(tmp_path / "tiny")
