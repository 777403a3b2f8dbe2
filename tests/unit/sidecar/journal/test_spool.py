"""The spool on a real disk: what is acknowledged is there after any end of the process, and nothing else is signed."""

from __future__ import annotations

import contextlib
import os
import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sidecar.errors import SidecarError
from sidecar.journal import segment, spool
from sidecar.journal.chain import Head, Problem, Record, problems
from sidecar.journal.key import load_key
from sidecar.journal.spool import Spool

KEY = bytes(range(32))


def record(number: int) -> Record:
    return {"id": str(number), "action": "ask", "question": f"question {number} 销售额"}


def opened(folder: Path, key: bytes = KEY, limit: int = 10**9) -> Spool:
    made = Spool(folder / "db-x", key, limit)
    made.recover()
    return made


def filled(folder: Path, count: int) -> Spool:
    made = opened(folder)
    for number in range(1, count + 1):
        made.append([record(number)])
    return made


def newest(folder: Path) -> Path:
    return segment.paths(folder / "db-x")[-1]


def numbers(found: Spool) -> list[str]:
    return [str(entry.record["id"]) for entry in found.pending(10_000)]


def test_goes_on_where_it_was(tmp_path: Path) -> None:
    first = filled(tmp_path, 3)
    first.mark_delivered(1)
    first.close()
    second = opened(tmp_path)
    assert (second.head, second.delivered, second.waiting) == (first.head, 1, 2)
    second.append([record(4), record(5)])
    entries = second.pending(10)
    assert [entry.seq for entry in entries] == [2, 3, 4, 5]
    assert problems(KEY, entries, Head(entries[0].chain, 1, entries[0].prev)) == []


def test_a_torn_end_is_cut_wherever_it_tore(tmp_path: Path) -> None:
    filled(tmp_path, 2).close()
    path = newest(tmp_path)
    whole = path.read_bytes()
    start = whole[:-1].rindex(b"\n") + 1
    for length in range(start, len(whole), 7):
        path.write_bytes(whole[:length])
        found = opened(tmp_path)
        assert (found.head.seq, numbers(found)) == (1, ["1"]), length
        assert path.stat().st_size == start
    found.append([record(9)])
    found.close()
    assert numbers(opened(tmp_path)) == ["1", "9"]


@pytest.mark.parametrize("rest", [b"\0" * 5000, b"garbage\n\n\xff", b'{"chain":1}\n[]\n', b'{"seq":2'])
def test_rubbish_at_the_end_is_cut(tmp_path: Path, rest: bytes) -> None:
    filled(tmp_path, 2).close()
    with newest(tmp_path).open("ab") as file:
        file.write(rest)
    assert numbers(opened(tmp_path)) == ["1", "2"]


def test_half_made_file_is_no_file(tmp_path: Path) -> None:
    filled(tmp_path, 1).close()
    (tmp_path / "db-x" / "00000002.new").write_bytes(b'{"chain":')
    assert numbers(opened(tmp_path)) == ["1"]


@pytest.mark.parametrize("change", ["broken", "removed"])
def test_damage_in_the_middle_loses_no_sound_record(tmp_path: Path, change: str) -> None:
    """Entries behind the damage are no longer tied to those before: all are signed anew, as another chain."""
    before = filled(tmp_path, 5)
    before.mark_delivered(1)
    before.close()
    path = newest(tmp_path)
    lines = path.read_bytes().splitlines(keepends=True)
    lines[3:4] = [lines[3].replace(b"question 3", b"question 8")] if change == "broken" else []
    path.write_bytes(b"".join(lines))
    found = opened(tmp_path)
    assert found.head.chain != before.head.chain
    assert numbers(found) == ["2", "4", "5"]
    assert problems(KEY, found.pending(10), None) == []
    assert found.heads()[0] == {
        "chain": before.head.chain,
        "seq": 1,
        "hash": segment.as_entry(lines[1]).hash,  # type: ignore[union-attr]
        "delivered": 1,
    }
    assert path.with_suffix(".void").exists()
    assert numbers(opened(tmp_path)) == ["2", "4", "5"]


@pytest.mark.parametrize("known", ["delivered.json", "head.json"])
def test_a_spool_that_was_set_back_does_not_reuse_numbers(tmp_path: Path, known: str) -> None:
    """From an old backup, say: the database has other entries under the numbers that come next."""
    found = filled(tmp_path, 2)
    kept = newest(tmp_path).read_bytes()
    found.append([record(3)])
    found.mark_delivered(3) if known == "delivered.json" else found.anchor()
    found.close()
    newest(tmp_path).write_bytes(kept)
    again = opened(tmp_path)
    again.append([record(4)])
    assert again.head.chain != found.head.chain
    assert numbers(again)[-1] == "4"


def test_delivered_files_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "SEGMENT_BYTES", 2000)
    monkeypatch.setattr(spool, "IN_MEMORY", 4)
    found = filled(tmp_path, 40)
    files = len(segment.paths(found.folder))
    assert files > 5
    size = found.size
    delivered: list[str] = []
    while entries := found.pending(3):
        delivered += [str(entry.record["id"]) for entry in entries]
        found.mark_delivered(entries[-1].seq)
    assert delivered == [str(number) for number in range(1, 41)]
    assert len(segment.paths(found.folder)) == 1
    assert found.size < size / 4
    found.close()
    again = opened(tmp_path)
    assert (again.head, again.waiting) == (found.head, 0)


def test_backlog_is_read_from_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "SEGMENT_BYTES", 1500)
    monkeypatch.setattr(spool, "IN_MEMORY", 3)
    filled(tmp_path, 20).close()
    found = opened(tmp_path)
    found.append([record(21)])
    delivered: list[int] = []
    while entries := found.pending(100):
        delivered += [entry.seq for entry in entries]
        found.mark_delivered(entries[-1].seq)
        if 9 <= len(delivered) < 12:
            found.append([record(22), record(23)])
    assert delivered == list(range(1, 24))


def test_limit_of_what_waits(tmp_path: Path) -> None:
    found = opened(tmp_path, limit=2000)
    with pytest.raises(SidecarError) as caught:
        for number in range(100):
            found.append([record(number)])
    assert caught.value.sqlstate == "NL601"
    assert "2000 bytes" in caught.value.message
    assert newest(tmp_path).stat().st_size <= 2000


def test_another_key_touches_nothing(tmp_path: Path) -> None:
    filled(tmp_path, 3).close()
    before = newest(tmp_path).read_bytes()
    with pytest.raises(SidecarError, match="another key") as caught:
        opened(tmp_path, key=bytes(32))
    assert caught.value.sqlstate == "NL601"
    assert newest(tmp_path).read_bytes() == before


def test_a_new_chain_when_the_database_knows_more(tmp_path: Path) -> None:
    found = filled(tmp_path, 4)
    found.mark_delivered(2)
    old = found.head
    found.begin_chain("test")
    assert (found.head.seq, numbers(found), found.head.chain != old.chain) == (2, ["3", "4"], True)
    assert [(head["chain"], head["delivered"]) for head in found.heads()] == [(old.chain, 2), (found.head.chain, 0)]
    found.close()
    assert numbers(opened(tmp_path)) == ["3", "4"]


def test_no_room_for_a_new_chain(tmp_path: Path) -> None:
    """Then it goes on as it was, and can be tried again."""
    found = filled(tmp_path, 3)
    before = found.head
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            found.begin_chain("test")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    found.append([record(4)])
    assert found.head.chain == before.chain
    found.begin_chain("test")
    assert numbers(found) == ["1", "2", "3", "4"]
    assert problems(KEY, found.pending(10), None) == []


def test_crash_while_a_chain_begins(tmp_path: Path) -> None:
    """The new file replaces the old ones from the moment on that it has its name."""
    found = filled(tmp_path, 2)
    old = newest(tmp_path)
    kept = old.read_bytes()
    found.begin_chain("test")
    found.close()
    old.write_bytes(kept)  # as if it had not been put aside yet
    assert numbers(opened(tmp_path)) == ["1", "2"]


@contextlib.contextmanager
def no_room(folder: Path) -> Iterator[None]:
    """Let the file system of the folder, a small one, be full."""
    ballast = folder / "ballast"
    with contextlib.suppress(OSError), ballast.open("wb", buffering=0) as file:
        while True:
            file.write(b"\0" * 512)
    try:
        yield
    finally:
        ballast.unlink()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "small"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", folder]
    if subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("mounting is not allowed here; test_file_can_not_grow does without")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def test_disk_full(small_disk: Path) -> None:
    found = filled(small_disk, 2)
    with no_room(small_disk):
        with pytest.raises(SidecarError, match="No space left") as caught:
            for number in range(1000):
                found.append([record(100 + number)] * 10)
        assert caught.value.sqlstate == "NL601"
        seq = found.head.seq
        with pytest.raises(SidecarError):
            found.append([record(100)] * 100)
    found.append([record(3)])
    assert found.head.seq == seq + 1
    found.close()
    again = opened(small_disk)
    assert again.head == found.head
    assert problems(KEY, again.pending(10_000), None) == []


def test_file_can_not_grow(tmp_path: Path) -> None:
    """The same refusal without a disk of its own: a limit on the length of files."""
    found = filled(tmp_path, 2)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (found.size + 100, hard))
    try:
        with pytest.raises(SidecarError, match="File too large"):
            found.append([record(3)])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    found.append([record(4)])
    found.close()
    assert numbers(opened(tmp_path)) == ["1", "2", "4"]


def test_sync_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the disk did not confirm is not there, though it was written."""
    found = filled(tmp_path, 1)
    real = os.fdatasync

    def failing(number: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fdatasync", failing)
    with pytest.raises(SidecarError, match="Input/output"):
        found.append([record(2)])
    monkeypatch.setattr(os, "fdatasync", real)
    found.append([record(3)])
    found.close()
    assert numbers(opened(tmp_path)) == ["1", "3"]


def test_key_is_made_once_and_private(tmp_path: Path) -> None:
    path = tmp_path / "key"
    key = load_key(path)
    assert len(key) == 32
    assert path.stat().st_mode & 0o777 == 0o600
    assert load_key(path) == key
    assert load_key(tmp_path / "other") != key


def test_half_a_key(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"short")
    with pytest.raises(SidecarError, match="32 bytes"):
        load_key(tmp_path / "key")


def test_files_are_private(tmp_path: Path) -> None:
    found = filled(tmp_path, 1)
    found.anchor()
    found.mark_delivered(1)
    assert {path.stat().st_mode & 0o777 for path in found.folder.iterdir()} == {0o600}
    assert found.folder.stat().st_mode & 0o777 == 0o700


def test_nothing_wrong_with_nothing() -> None:
    assert problems(KEY, [], None) == list[Problem]()
