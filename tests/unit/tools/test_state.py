"""What is remembered between runs, and the choice of a port."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tools.errors import ToolError
from tools.state import FIRST_PORT, LAST_PORT, State, choose_port, is_free


def test_values_are_kept_and_changed_one_by_one(tmp_path: Path) -> None:
    state = State(tmp_path / "new" / "state.json")
    state.update(port=FIRST_PORT, model="a")
    state.update(model="b")
    assert state.read() == {"port": FIRST_PORT, "model": "b"}
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["state.json"]


@pytest.mark.parametrize("text", ["", "{", "[]", '"x"', "\x00"])
def test_a_broken_file_counts_as_empty(tmp_path: Path, text: str) -> None:
    (tmp_path / "state.json").write_text(text)
    assert State(tmp_path / "state.json").read() == {}


@pytest.mark.parametrize("port", [None, "21000", 80, 70000, 21000.5])
def test_a_port_that_was_not_ours_is_not_believed(tmp_path: Path, port: object) -> None:
    state = State(tmp_path / "state.json")
    state.update(port=port)
    assert state.port() is None


def test_a_port_in_use_is_not_free() -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        assert not is_free(server.getsockname()[1])


def test_the_search_starts_at_the_seed_and_goes_round() -> None:
    last = LAST_PORT - FIRST_PORT
    assert choose_port(f"{last:x}", free=lambda port: True) == LAST_PORT
    assert choose_port(f"{last:x}", free=lambda port: port != LAST_PORT) == FIRST_PORT


def test_no_free_port_is_said() -> None:
    with pytest.raises(ToolError, match="no port"):
        choose_port("0", free=lambda port: False)
