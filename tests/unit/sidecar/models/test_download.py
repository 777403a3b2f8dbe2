"""Downloads from a real server that breaks connections, lies about bytes and comes and goes."""

from __future__ import annotations

import hashlib
import random
from pathlib import Path

import pytest

from sidecar.errors import SidecarError
from sidecar.models.catalog import File
from sidecar.models.download import fetch
from tests.unit.sidecar.models.conftest import FileServer

BODY = random.Random(1).randbytes(3_000_000)
WRONG = bytes(len(BODY))
SHA256 = hashlib.sha256(BODY).hexdigest()
FILE = File("weights.bin", len(BODY), SHA256)


@pytest.fixture
def target(tmp_path: Path, server: FileServer) -> Path:
    server.files["/weights.bin"] = BODY
    return tmp_path / "deep/folder/weights.bin"


def get(server: FileServer, target: Path, file: File = FILE) -> list[int]:
    reports: list[int] = []
    fetch(f"{server.url}/weights.bin", target, file, reports.append, pause=0)
    return reports


def test_a_file_arrives_and_progress_adds_up(server: FileServer, target: Path) -> None:
    reports = get(server, target)
    assert target.read_bytes() == BODY
    assert reports == sorted(reports) and reports[-1] == len(BODY)
    assert not Path(f"{target}.part").exists()


def test_broken_connections_are_resumed_where_they_broke(server: FileServer, target: Path) -> None:
    server.cuts = [1_000_000, 500_000]
    get(server, target)
    assert target.read_bytes() == BODY
    assert server.ranges == [None, "bytes=1000000-", "bytes=1500000-"]


def test_a_later_run_goes_on_from_the_part(server: FileServer, target: Path) -> None:
    server.cuts = [2_000_000] + [0] * 20
    with pytest.raises(SidecarError) as caught:
        get(server, target)
    assert caught.value.sqlstate == "NL303" and "kept" in caught.value.detail
    assert Path(f"{target}.part").stat().st_size == 2_000_000 and not target.exists()
    server.cuts.clear()
    reports = get(server, target)
    assert target.read_bytes() == BODY and server.ranges[-1] == "bytes=2000000-" and reports[0] > 2_000_000


def test_a_server_without_ranges_sends_it_all_again(server: FileServer, target: Path) -> None:
    server.has_ranges, server.cuts = False, [1_000_000]
    get(server, target)
    assert target.read_bytes() == BODY


def test_a_complete_part_needs_no_request(server: FileServer, target: Path) -> None:
    target.parent.mkdir(parents=True)
    Path(f"{target}.part").write_bytes(BODY)
    get(server, target)
    assert target.read_bytes() == BODY and server.ranges == []


def test_a_file_that_is_there_is_not_fetched(server: FileServer, target: Path) -> None:
    get(server, target)
    assert get(server, target) == [len(BODY)] and len(server.ranges) == 1


def test_a_damaged_file_that_is_there_is_fetched_again(server: FileServer, target: Path) -> None:
    target.parent.mkdir(parents=True)
    target.write_bytes(WRONG)
    get(server, target)
    assert target.read_bytes() == BODY


def test_a_damaged_part_is_fetched_once_more_from_the_start(server: FileServer, target: Path) -> None:
    target.parent.mkdir(parents=True)
    Path(f"{target}.part").write_bytes(WRONG[:1000])
    get(server, target)
    assert target.read_bytes() == BODY and server.ranges == ["bytes=1000-", None]


def test_a_part_longer_than_the_file_is_dropped(server: FileServer, target: Path) -> None:
    target.parent.mkdir(parents=True)
    Path(f"{target}.part").write_bytes(BODY + b"more")
    get(server, target)
    assert target.read_bytes() == BODY


def test_wrong_bytes_twice_are_an_error_and_nothing_stays(server: FileServer, target: Path) -> None:
    server.bodies = [WRONG, WRONG, BODY]
    with pytest.raises(SidecarError, match=r"weights\.bin failed its SHA-256 check twice") as caught:
        get(server, target)
    assert caught.value.sqlstate == "NL304" and caught.value.hint
    assert len(server.ranges) == 2 and not target.exists()
    assert Path(f"{target}.part").stat().st_size == 0


def test_without_a_recorded_hash_the_servers_own_is_checked(server: FileServer, target: Path) -> None:
    server.headers["X-Linked-Etag"] = f'"{SHA256}"'
    server.bodies = [WRONG]
    get(server, target, File("weights.bin"))
    assert target.read_bytes() == BODY and len(server.ranges) == 2


def test_a_busy_server_is_asked_again(server: FileServer, target: Path) -> None:
    server.statuses = [503, 429, 500]
    get(server, target)
    assert target.read_bytes() == BODY


@pytest.mark.parametrize("status", [401, 403, 404])
def test_a_refusal_is_not_asked_again(server: FileServer, target: Path, status: int) -> None:
    server.statuses = [status] * 3
    with pytest.raises(SidecarError) as caught:
        get(server, target)
    assert caught.value.sqlstate == "NL303" and str(status) in caught.value.detail and len(server.ranges) == 1


def test_nobody_listening_is_said_with_the_host(tmp_path: Path) -> None:
    with pytest.raises(SidecarError, match=r"127\.0\.0\.1 can't be fetched") as caught:
        fetch("http://127.0.0.1:9/x", tmp_path / "x", FILE, pause=0)
    assert "ConnectError" in caught.value.detail
