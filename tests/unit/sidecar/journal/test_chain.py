"""Canonical bytes and hashes, against values that openssl gave; every kind of tampering is found where it was done."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sidecar.journal.chain import FIRST, Entry, Head, canonical, link, problems, sign

KEY = bytes(range(32))
CHAIN = "7b0c9f5e-3a51-4f0e-9a8e-0f6d2c1b4a10"
RECORD = {
    "session_user": "bi_reader",
    "role": "bi_reader",
    "question": 'revenue of "Nordics" in 销售额\n',
    "id": "3f2b8c1e-0d5a-4c77-9a41-6b1f6f0e2a11",
    "event": "intent",
    "action": "ask",
    "at": 1795377600000001,
}
BYTES = (
    '{"action":"ask","at":1795377600000001,"event":"intent","id":"3f2b8c1e-0d5a-4c77-9a41-6b1f6f0e2a11",'
    '"question":"revenue of \\"Nordics\\" in 销售额\\n","role":"bi_reader","session_user":"bi_reader"}'
).encode()
# printf '%s\x1f1\x1f%064d\x1f%s' CHAIN 0 BYTES | openssl dgst -sha256 -mac HMAC -macopt hexkey:000102…1f
HASH = "0469ec69438ec3ba6b2af421f55daf2ce82a1a036a794354797e2b0ed8feba62"


def test_canonical_bytes() -> None:
    assert canonical(RECORD) == BYTES


def test_hash() -> None:
    assert link(KEY, CHAIN, 1, FIRST, RECORD) == HASH
    assert sign(KEY, Head(CHAIN, 0, FIRST), RECORD) == Entry(CHAIN, 1, FIRST, HASH, RECORD)


def chain(length: int) -> list[Entry]:
    entries, head = [], Head(CHAIN, 0, FIRST)
    for number in range(length):
        entries.append(sign(KEY, head, {**RECORD, "at": number}))
        head = entries[-1].head
    return entries


def found(entries: list[Entry], after: Head | None = None, key: bytes = KEY) -> list[tuple[int, str]]:
    return [(problem.seq, problem.problem.split(":")[0]) for problem in problems(key, entries, after)]


def test_sound() -> None:
    entries = chain(6)
    assert found(entries) == []
    assert found(entries[3:], entries[2].head) == []


CHANGED = "changed, or signed with another key"


@pytest.mark.parametrize(
    ("field", "value"), [("at", 7), ("question", "x"), ("role", "root"), ("sqlstate", "00000"), ("at", 2.5)]
)
def test_changed(field: str, value: object) -> None:
    entries = chain(6)
    entries[2] = replace(entries[2], record={**entries[2].record, field: value})
    assert found(entries) == [(3, CHANGED)]


def test_a_number_that_no_record_has() -> None:
    entries = chain(2)
    entries[1] = replace(entries[1], record={"at": float("nan")})
    assert found(entries) == [(2, CHANGED)]


def test_changed_with_a_hash_of_another_key() -> None:
    entries = chain(4)
    entries[1] = sign(bytes(32), entries[0].head, {**RECORD, "at": 99})
    assert found(entries) == [(2, CHANGED), (3, "not tied to the entry before it")]


def test_removed() -> None:
    entries = chain(6)
    assert found(entries[:2] + entries[3:]) == [(4, "1 entry is missing before it")]
    assert found(entries[:1] + entries[4:]) == [(5, "3 entries are missing before it")]
    assert found(entries[2:]) == [(3, "2 entries are missing before it")]


def test_removed_and_numbered_anew() -> None:
    entries = chain(4)
    entries[2:] = [replace(entry, seq=entry.seq - 1) for entry in entries[3:]]
    assert found(entries) == [(3, "not tied to the entry before it"), (3, CHANGED)]


def test_reordered() -> None:
    entries = chain(4)
    entries[1], entries[2] = entries[2], entries[1]
    assert found(entries) == [
        (3, "1 entry is missing before it"),
        (2, "out of order"),
        (4, "1 entry is missing before it"),
    ]


def test_reordered_records() -> None:
    entries = chain(4)
    swapped = [replace(entries[1], record=entries[2].record), replace(entries[2], record=entries[1].record)]
    assert found([entries[0], *swapped, entries[3]]) == [(2, CHANGED), (3, CHANGED)]


def test_twice() -> None:
    entries = chain(3)
    assert found([*entries, entries[2]]) == [(3, "out of order")]


def test_other_key() -> None:
    assert [seq for seq, _ in found(chain(3), key=bytes(32))] == [1, 2, 3]
