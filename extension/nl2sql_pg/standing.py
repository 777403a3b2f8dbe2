"""Standing conditions: of which tables only some rows count, by an administrator's word or by a rule in a comment."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from nl2sql_pg.bridge import Database
from nl2sql_pg.filter_signs import Sign, signs

Items = list[dict[str, Any]]

_DEFINED = "select * from nl2sql._filters_of(current_user, $1::oid[])"
_MASKED = "select * from nl2sql._masked_columns($1::oid[])"
_KNOWN = "select relation::oid::bigint as relation, condition, columns from nl2sql._filters()"
_DESCRIBE = "select nl2sql._describe($1::oid[])"

AT_ONCE = 200  # tables described at once
DEFINED, COMMENT = "defined", "comment"

_WHY = {
    "added": "it was put into the statement",
    "present": "the statement had it",
    "asked": "the question speaks of the other rows",
    "unread": "the statement can't be read so well that it could be put in",
}


def add_to(db: Database, relations: list[int], tables: Items, comments: bool) -> None:
    """Give described tables their conditions as `filters`; what can't hold for the caller as `unheld`, in words."""
    masked = _masked(db, relations)
    defined: dict[int, Items] = {}
    for row in db.rows(_DEFINED, ["bigint[]"], [relations]):
        defined.setdefault(row["relation"], []).append(row)
    for relation, table in zip(relations, tables, strict=True):
        own = defined.get(relation, [])
        found = [_filter(row["condition"], row["note"], DEFINED) for row in own if row["condition"]]
        spoken_for = {column for row in own for column in row["columns"] or ()}
        if comments:
            stated = [sign for sign in signs(table) if sign.rule and sign.column not in spoken_for]
            hidden = masked.get(relation, set())
            found += [_filter(sign.condition, sign.note, COMMENT) for sign in stated if sign.column not in hidden]
        if found:
            table["filters"] = found
        if unheld := [row["problem"] for row in own if row["problem"]]:
            table["unheld"] = unheld


def unheld(tables: Items) -> Items:
    """Take what can't hold out of the tables: {table, why}."""
    return [{"table": _name(table), "why": why} for table in tables for why in table.pop("unheld", ())]


def told(tables: Items, found: Iterable[dict[str, str | None]]) -> Items:
    """The conditions that matter to one statement, as ask() shows them."""
    known = {(_name(table), each["condition"]): each for table in tables for each in table.get("filters", ())}
    shown = []
    for each in found:
        own = known.get((each["table"] or "", each["condition"]))
        if own:
            why = _WHY[each["state"] or ""] + (f": {each['word']}" if each["word"] else "")
            applied = each["state"] in ("added", "present")
            shown.append({"table": each["table"], **own, "applied": applied, "why": why})
    return shown


def warnings(shown: Items, unheld: Items, read: Iterable[str]) -> list[str]:
    """What a reader of the answer has to know: conditions that should hold and do not."""
    lost = [
        f"NL205: the standing condition {each['condition']} of {each['table']} is not in the answer: {each['why']}"
        for each in shown
        if each["why"] == _WHY["unread"]
    ]
    tables = set(read)
    left = [each for each in unheld if each["table"] in tables]
    return lost + [f"NL205: a standing condition of {each['table']} does not hold here: {each['why']}" for each in left]


def suggested(db: Database, relations: list[int]) -> Items:
    """Rows of nl2sql.suggest_filters(): what speaks for conditions that nobody has defined."""
    known: dict[int, Items] = {}
    for row in db.rows(_KNOWN):
        known.setdefault(row["relation"], []).append(row)
    found: Items = []
    for start in range(0, len(relations), AT_ONCE):
        part = relations[start : start + AT_ONCE]
        masked = _masked(db, part)
        for relation, table in zip(part, db.json(_DESCRIBE, ["bigint[]"], [part]), strict=True):
            taken = {column for row in known.get(relation, []) for column in row["columns"]}
            taken |= masked.get(relation, set())
            found += [_suggestion(relation, sign) for sign in signs(table) if sign.column not in taken]
    return sorted(found, key=lambda row: -row["score"])


def _suggestion(relation: int, sign: Sign) -> dict[str, Any]:
    return {
        "relation": relation,
        "condition": sign.condition,
        "note": sign.note,
        "score": sign.score,
        "reason": sign.reason,
        "stated": sign.rule,
    }


def _masked(db: Database, relations: list[int]) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    for row in db.rows(_MASKED, ["bigint[]"], [relations]):
        found.setdefault(row["relation"], set()).add(row["name"])
    return found


def _filter(condition: str, note: str | None, origin: str) -> dict[str, Any]:
    return {"condition": condition, "note": note, "origin": origin}


def _name(table: dict[str, Any]) -> str:
    return f"{table['schema']}.{table['name']}"
