"""What an earlier process left of a spool: read whole, every hash checked; a torn end is cut off."""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass
from pathlib import Path

from sidecar.journal import segment
from sidecar.journal.chain import Entry, Head
from sidecar.journal.faults import other_key
from sidecar.journal.files import sync_folder
from sidecar.journal.key import name_of

log = logging.getLogger("sidecar.journal")


@dataclass(frozen=True)
class Recovered:
    """Files with the seq before their first entry; where there is `damage` all sound entries, too."""

    head: Head
    files: list[tuple[Path, int]]
    damage: str | None
    sound: list[Entry]


def read_spool(folder: Path, key: bytes) -> Recovered | None:
    """None where there is nothing yet. Raises NL601 where the files were signed with another key."""
    headers = _files(folder)
    if not headers:
        return None
    known = [header for _, header in headers if header]
    if any(header.key != name_of(key) for header in known):
        raise other_key(folder)
    head, damage = known[0].head if known else Head.new(), None
    sound: list[Entry] = []
    for path, header in headers:
        contents = segment.inspect(path, key, head)
        damage = damage or _damage(path, header, head, contents, last=path == headers[-1][0])
        head = contents.entries[-1].head if contents.entries else head
    if damage:
        sound = [entry for path, _ in headers for entry in _sound(path, key)]
    _settle(headers[-1][0])
    return Recovered(head, [(path, header.head.seq if header else 0) for path, header in headers], damage, sound)


def _files(folder: Path) -> list[tuple[Path, segment.Header | None]]:
    """Oldest first; those that a newer one replaces are put aside."""
    for half_made in folder.glob("*.new"):
        half_made.unlink()
    found = [(path, segment.read_header(path)) for path in segment.paths(folder)]
    start = max((i for i, (_, header) in enumerate(found) if header and header.replaces), default=0)
    for path, _ in found[:start]:
        segment.put_aside(path)
    return found[start:]


def _damage(
    path: Path, header: segment.Header | None, head: Head, contents: segment.Contents, *, last: bool
) -> str | None:
    """What is wrong with a file beyond a torn end; that is cut off here."""
    if header is None:
        return f"{path.name} has no readable first line"
    if header.head != head:
        return f"{path.name} does not go on where the file before it ends"
    surplus = path.stat().st_size - contents.length
    if not surplus:
        return None
    reached = contents.entries[-1].seq if contents.entries else head.seq
    if not last or contents.beyond:
        return f"{path.name} is broken after entry {reached}"
    log.warning("torn end of the audit spool cut", extra={"fields": {"file": str(path), "bytes": surplus}})
    os.truncate(path, contents.length)
    return None


def _sound(path: Path, key: bytes) -> list[Entry]:
    """All entries of a damaged spool's file that carry a right hash, wherever they stand."""
    contents = segment.inspect(path, key, Head.new())
    return contents.entries + contents.beyond


def _settle(path: Path) -> None:
    """A killed process may have left lines that are not on the disk yet; they count from now on."""
    with path.open("r+b") as file:
        os.fsync(file.fileno())
    sync_folder(path.parent)
