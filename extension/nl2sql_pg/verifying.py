"""The audit log beside what was signed: the sidecar has the key, the database the entries; neither has both."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from nl2sql_pg.client import malformed
from nl2sql_pg.context import Context
from nl2sql_pg.errors import Refusal

PAGE = 1000  # entries of one request, as many as the protocol takes
PAGE_CHARS = 1_500_000  # and so much text at most, well below the sidecar's limit for a body
SECONDS = 60.0  # for one request
NO_HASH = "0" * 64  # stands in for one that is none; no entry but the first follows it

_CHAINS = "select * from nl2sql._audit_chains($1, $2)"
_PAGE = "select * from nl2sql._audit_page($1, $2, $3, $4)"
_BEFORE = "select seq, hash from nl2sql._audit_page($1, $2, $3, 1)"
_UNPROTECTED = "select p::text as name from nl2sql._audit_unprotected() as p"
_SESSION = """
    select jsonb_build_object('database', current_database(), 'isolation', current_setting('transaction_isolation'),
        'standby', pg_is_in_recovery())
"""
_LAST = "select coalesce(max(last_seq), 0) from nl2sql._audit_chains(null, null) where chain = $1"
LAG = 10.0  # seconds that a standby may be behind

Row = dict[str, Any]
Head = dict[str, Any]  # {chain, seq, hash}


@dataclass
class Findings:
    """What is wrong, a row each; and how many entries were looked at."""

    problems: list[Row] = field(default_factory=list)
    entries: int = 0

    def add(self, problem: str, chain: str | None = None, seq: int | None = None, at: str | None = None) -> None:
        self.problems.append({"chain": chain, "seq": seq, "at": at, "problem": problem})


def problems(context: Context, since: str | None, until: str | None) -> Findings:
    """Everything that a span of the log has against it; raises NL602 where the sidecar can't say."""
    found = Findings()
    for row in context.db.rows(_UNPROTECTED):
        found.add(f"{row['name']} lacks a trigger that keeps it append-only")
    session = context.db.json(_SESSION)
    database = session["database"]
    if session["isolation"] != "read committed":
        raise _frozen(session["isolation"])
    # before the log: what was delivered by then must be in it
    heads = _ask(context, "/v1/audit/head", {"database": database})["heads"]
    chains = {row["chain"]: row for row in context.db.rows(_CHAINS, ["timestamptz", "timestamptz"], [since, until])}
    for chain in chains.values():
        _check_chain(context, database, chain, found)
    if until is None:
        _check_tails(context, chains, heads, LAG if session["standby"] else 0.0, found)
    return found


def _check_chain(context: Context, database: str, chain: Row, found: Findings) -> None:
    name = chain["chain"]
    if not chain["drop_signed"]:
        found.add(f"entries up to {chain['dropped_seq']} are gone without a record of their retention", name)
    if chain["first_seq"] is None or chain["last_seq"] is None:
        return
    after = _start(context, chain)
    for page in _pages(context, name, chain["first_seq"] - 1, chain["last_seq"]):
        after = _check_page(context, database, chain, page, after, found)


def _start(context: Context, chain: Row) -> Head | None:
    """The entry before the first one, as far as there is one: stored, or dropped with its hash kept."""
    before = chain["first_seq"] - 1
    stored = context.db.rows(_BEFORE, ["uuid", "bigint", "bigint"], [chain["chain"], before - 1, before])
    if stored:
        return {"chain": chain["chain"], "seq": max(stored[0]["seq"], 0), "hash": _hash(stored[0]["hash"])}
    if chain["dropped_seq"] > 0:
        return {"chain": chain["chain"], "seq": chain["dropped_seq"], "hash": _hash(chain["dropped_hash"])}
    return None


def _pages(context: Context, chain: str, after: int, last: int) -> Iterator[list[Row]]:
    """Entries in order of seq, as many at a time as one request takes."""
    while after < last:
        rows = context.db.rows(_PAGE, ["uuid", "bigint", "bigint", "int"], [chain, after, last, PAGE])
        if not rows:
            return
        page: list[Row] = []
        size = 0
        for row in rows:
            size += len(row["record"]) + 200
            if page and size > PAGE_CHARS:
                break
            page.append(row)
        yield page
        after = page[-1]["seq"]


def _check_page(
    context: Context, database: str, chain: Row, page: list[Row], after: Head | None, found: Findings
) -> Head | None:
    """Whether these entries follow `after` and are what was signed; gives the last of them."""
    times = {row["seq"]: row["at"] for row in page}
    for row in page:
        if row["differs"]:
            found.add("the columns beside the record differ from it", chain["chain"], row["seq"], row["at"])
        for problem in _malformed(row):
            found.add(problem, chain["chain"], row["seq"], row["at"])
    found.entries += len(page)
    page = [row for row in page if row["seq"] > 0]
    # What retention has left of its last month stands alone: its neighbours are gone for good.
    alone = [row for row in page if row["seq"] < chain["dropped_seq"]]
    runs: list[tuple[list[Row], Head | None]] = [
        ([row], {"chain": chain["chain"], "seq": row["seq"] - 1, "hash": _hash(row["prev"])}) for row in alone
    ]
    rest = page[len(alone) :]
    if rest:
        runs.append((rest, after))
    for rows, before in runs:
        answer = _ask(context, "/v1/audit/verify", _request(database, chain["chain"], rows, before))
        for problem in answer["problems"]:
            found.add(str(problem["problem"]), chain["chain"], problem["seq"], times.get(problem["seq"]))
    return {"chain": chain["chain"], "seq": rest[-1]["seq"], "hash": _hash(rest[-1]["hash"])} if rest else after


def _malformed(row: Row) -> list[str]:
    """What keeps an entry from being sent as it is; something takes its place, so that the others are looked at."""
    problems = []
    if row["seq"] < 1:
        problems.append("no entry has such a number")
    if (_hash(row["hash"]), _hash(row["prev"])) != (row["hash"], row["prev"]):
        problems.append("not signed: a hash has 32 bytes")
    if _record(row["record"]) is None:
        problems.append("the record is none: not a flat object, or too large")
    return problems


def _hash(text: str | None) -> str:
    return text if text and re.fullmatch("[0-9a-f]{64}", text) else NO_HASH


def _record(text: str) -> dict[str, Any] | None:
    """A record as any was signed; None of what the sidecar could not even read."""
    if len(text) > PAGE_CHARS:
        return None
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if isinstance(record, dict) and all(map(_is_field, record.values())):
        return record
    return None


def _is_field(value: object) -> bool:
    if isinstance(value, list):
        return all(isinstance(item, str) for item in value)
    if isinstance(value, int):
        return -(2**63) <= value < 2**63
    return value is None or isinstance(value, str)


def _request(database: str, chain: str, rows: list[Row], after: Head | None) -> dict[str, Any]:
    entries = [
        {
            "chain": chain,
            "seq": row["seq"],
            "prev": _hash(row["prev"]),
            "hash": _hash(row["hash"]),
            "record": _record(row["record"]) or {},
        }
        for row in rows
    ]
    return {"database": database, "entries": entries, "after": after}


def _check_tails(context: Context, chains: dict[str, Row], heads: list[Any], lag: float, found: Findings) -> None:
    """Entries that were stored once, by the word of the sidecar or of the table of heads, and are no longer there."""
    reached = {name: chain["head_seq"] for name, chain in chains.items()}
    for head in heads:
        reached[head["chain"]] = max(reached.get(head["chain"], 0), int(head["delivered"]))
    for name, seq in sorted(reached.items()):
        chain = chains.get(name, {})
        last = max(chain.get("last_seq") or 0, chain.get("dropped_seq") or 0)
        until = time.monotonic() + lag
        while last < seq and time.monotonic() < until:
            context.db.value("select pg_sleep(0.2)::text")
            last = max(last, context.db.value(_LAST, ["text"], [name]))
        if last < seq:
            found.add(f"entries {last + 1} to {seq} are missing at the end", name, last + 1)


def _frozen(isolation: str) -> Refusal:
    return Refusal(
        "NL602",
        f"the audit log can't be verified in a transaction that is {isolation}",
        detail="It sees the log as it was when it began, and the sidecar tells of it as it is now.",
        hint="Call nl2sql.audit_verify() in a READ COMMITTED transaction.",
    )


def _ask(context: Context, path: str, body: dict[str, Any]) -> dict[str, Any]:
    try:
        answer = context.client.post(path, body, time.monotonic() + SECONDS)
        wanted = "heads" if path.endswith("head") else "problems"
        if not isinstance(answer.get(wanted), list):
            raise malformed(f"it has no list of {wanted}")
    except Refusal as refusal:
        if refusal.sqlstate == "NL602":
            raise
        raise Refusal(
            "NL602",
            f"the audit log can't be verified: {refusal.message}",
            detail=f"Nothing is known of its state. {refusal.sqlstate}: {refusal.detail}",
            hint=refusal.hint,
        ) from None
    return answer
