"""Canonical bytes and the hash chain: what is signed, what ties entries together, and how both are checked."""

from __future__ import annotations

import hashlib
import hmac
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

FIRST = "0" * 64  # what stands in for the hash before the first entry
_SEPARATOR = b"\x1f"

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Head:
    """The last entry of a chain; `seq` 0 before there is one."""

    chain: str
    seq: int
    hash: str

    @classmethod
    def new(cls) -> Head:
        return cls(str(uuid.uuid4()), 0, FIRST)


@dataclass(frozen=True)
class Entry:
    """A record in its place in a chain."""

    chain: str
    seq: int
    prev: str
    hash: str
    record: Record

    @property
    def head(self) -> Head:
        return Head(self.chain, self.seq, self.hash)

    def fields(self) -> dict[str, Any]:
        return {"chain": self.chain, "seq": self.seq, "prev": self.prev, "hash": self.hash, "record": self.record}


@dataclass(frozen=True)
class Problem:
    """What is wrong with the entry at `seq`."""

    seq: int
    problem: str


def canonical(value: object) -> bytes:
    """One spelling of a JSON value: keys sorted, no blanks, UTF-8."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode()


def link(key: bytes, chain: str, seq: int, prev: str, record: Record) -> str:
    """The hash of an entry, in hex."""
    parts = (chain.encode(), str(seq).encode(), prev.encode(), canonical(record))
    return hmac.new(key, _SEPARATOR.join(parts), hashlib.sha256).hexdigest()


def sign(key: bytes, head: Head, record: Record) -> Entry:
    """The entry that follows `head`."""
    seq = head.seq + 1
    return Entry(head.chain, seq, head.hash, link(key, head.chain, seq, head.hash, record), record)


def fits(key: bytes, entry: Entry) -> bool:
    """Whether the entry's own hash is right; what stands before it is not looked at."""
    try:
        right = link(key, entry.chain, entry.seq, entry.prev, entry.record)
    except ValueError:  # a number or a text that no record can have
        return False
    return hmac.compare_digest(right.encode(), entry.hash.encode())


def follows(entry: Entry, before: Head) -> bool:
    """Whether the entry is the next one of the chain."""
    return (entry.chain, entry.seq, entry.prev) == (before.chain, before.seq + 1, before.hash)


def problems(key: bytes, entries: Sequence[Entry], after: Head | None) -> list[Problem]:
    """What is wrong with entries of one chain, in order of seq. Without `after` they start where the chain starts."""
    found: list[Problem] = []
    before = after
    for entry in entries:
        before = before or Head(entry.chain, 0, FIRST)
        found += [Problem(entry.seq, problem) for problem in _problems(key, entry, before)]
        before = entry.head
    return found


def _problems(key: bytes, entry: Entry, before: Head) -> list[str]:
    found = []
    if entry.seq <= before.seq:
        found.append(f"out of order: it stands after entry {before.seq}")
    elif entry.seq > before.seq + 1:
        missing = entry.seq - before.seq - 1
        found.append(f"{missing} {'entry is' if missing == 1 else 'entries are'} missing before it")
    elif entry.prev != before.hash:
        found.append("not tied to the entry before it")
    if not fits(key, entry):
        found.append("changed, or signed with another key: the record does not fit its hash")
    return found
