"""One file of a spool: a line that says where the chain stood, then an entry a line, each as canonical JSON.

A line counts once it ends. What a crash or a power cut leaves behind the last durable line is recognised by its hash.
"""

from __future__ import annotations

import itertools
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sidecar.journal.chain import Entry, Head, canonical, fits, follows
from sidecar.journal.files import sync_folder, write_all

SUFFIX = ".jsonl"


@dataclass(frozen=True)
class Header:
    """The first line: the head before the file's first entry, the key's name, and whether older files are void."""

    head: Head
    key: str
    replaces: bool = False

    def line(self) -> bytes:
        place = {"chain": self.head.chain, "seq": self.head.seq, "hash": self.head.hash}
        return canonical({**place, "key": self.key, "replaces": self.replaces}) + b"\n"


@dataclass(frozen=True)
class Contents:
    """What a file holds: sound entries, the length up to the last of them, and sound lines beyond a broken one."""

    entries: list[Entry]
    length: int
    beyond: list[Entry]


def paths(folder: Path) -> list[Path]:
    """Files of the spool, oldest first."""
    return sorted(folder.glob("[0-9]*" + SUFFIX))


def path_of(folder: Path, number: int) -> Path:
    return folder / f"{number:08d}{SUFFIX}"


def number_of(path: Path) -> int:
    return int(path.stem)


def put_aside(path: Path) -> None:
    """Take a file out of the spool, and leave it for people to look at."""
    path.rename(path.with_suffix(".void"))


def create(path: Path, header: Header, entries: list[Entry]) -> int:
    """Make a file, durably and in one step, and open it for more; returns the descriptor."""
    new = path.with_suffix(".new")
    new.unlink(missing_ok=True)
    number = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_NOFOLLOW, 0o600)
    try:
        write_all(number, header.line() + b"".join(map(line_of, entries)))
        os.fsync(number)
        new.rename(path)
        sync_folder(path.parent)
    except OSError:
        os.close(number)
        new.unlink(missing_ok=True)
        path.unlink(missing_ok=True)
        raise
    return number


def line_of(entry: Entry) -> bytes:
    return canonical(entry.fields()) + b"\n"


def read_header(path: Path) -> Header | None:
    with path.open("rb") as file:
        return _as_header(file.readline())


def _as_header(line: bytes) -> Header | None:
    found = _as_object(line)
    try:
        head = Head(str(found["chain"]), int(found["seq"]), str(found["hash"]))
        return Header(head, str(found["key"]), bool(found["replaces"]))
    except (KeyError, TypeError, ValueError):
        return None


def _as_object(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line) if line.endswith(b"\n") else None
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def as_entry(line: bytes) -> Entry | None:
    found = _as_object(line)
    try:
        entry = Entry(found["chain"], found["seq"], found["prev"], found["hash"], found["record"])
    except KeyError:
        return None
    kinds = (str, int, str, str, dict)
    return entry if all(isinstance(v, k) for v, k in zip(entry.fields().values(), kinds, strict=True)) else None


def inspect(path: Path, key: bytes, before: Head) -> Contents:
    """Read a whole file, checking every entry against its hash and the one before."""
    entries: list[Entry] = []
    beyond: list[Entry] = []
    with path.open("rb") as file:
        length = len(file.readline())
        sound = True
        for line in file:
            entry = as_entry(line)
            good = entry is not None and fits(key, entry)
            sound = sound and good and entry is not None and follows(entry, before)
            if entry is None or not good:
                continue
            if sound:
                entries.append(entry)
                before = entry.head
                length += len(line)
            else:
                beyond.append(entry)
    return Contents(entries, length, beyond)


def entries_from(path: Path, skip: int, most: int) -> list[Entry]:
    """Up to `most` entries behind the first `skip`, as far as lines are complete."""
    found = []
    with path.open("rb") as file:
        for line in itertools.islice(file, 1 + skip, 1 + skip + most):
            entry = as_entry(line)
            if entry is None:
                break
            found.append(entry)
    return found
