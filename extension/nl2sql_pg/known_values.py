"""Which tables hold values that the question names: a sign of what it is about, proper names above all.

Exact, folded text only (nl2sql._valued): names are mostly written as they are stored, and any table may be meant.
"""

from __future__ import annotations

import math
from dataclasses import replace

from nl2sql_pg.asked import Asked
from nl2sql_pg.context import Context
from nl2sql_pg.phrases import STOP_WORDS, Phrase, singular
from nl2sql_pg.ranking import Candidate

LONGEST = 4  # words of a phrase, if it is not in quotation marks
PLAIN = 0.5  # worth of a single word in small letters beside a name
FALL = 0.15  # what each table more that has a value takes from what it tells, by the logarithm of their number
MOST = 60  # tables that nothing else points to

_VALUED = "select relid, namespace, phrase from nl2sql._valued($1, $2, $3)"


def add_to(context: Context, asked: Asked, candidates: list[Candidate]) -> list[Candidate]:
    """The candidates with the values that they hold, and further ones that are found by values alone."""
    wanted = sought(asked.phrases(context))
    keys = sorted({key for phrase in wanted for key in (phrase.key, singular(phrase.key))})
    place = [context.preferences.scope, context.schemas]
    rows = context.db.rows(_VALUED, ["text", "name[]", "text[]"], [*place, keys])
    homes = {row["relid"]: row["namespace"] for row in rows}
    holders: dict[str, set[int]] = {}
    for row in rows:
        holders.setdefault(row["phrase"], set()).add(row["relid"])
    found = weigh(wanted, holders)
    known = {candidate.relid: candidate for candidate in candidates}
    others = sorted(found.keys() - known.keys(), key=lambda relid: (-sum(found[relid].values()), relid))
    for relid in others[:MOST]:
        known[relid] = Candidate(relid, homes[relid], None, {})
    # few hold any
    known |= {relid: replace(known[relid], values=values) for relid, values in found.items() if relid in known}
    return list(known.values())


def sought(phrases: list[Phrase]) -> list[Phrase]:
    """Runs of words that may name a value, each key once: in quotation marks, else with a capital, where it is so."""
    found = [p for p in phrases if p.quoted or (p.words <= LONGEST and _tells(p))]
    return list({p.key: p for p in sorted(found, key=lambda p: (p.quoted, p.capital))}.values())


def weigh(wanted: list[Phrase], holders: dict[str, set[int]]) -> dict[int, dict[str, float]]:
    """What each table's values tell, {table: {phrase: weight}}; no part of a longer phrase that is one."""
    held = [(p, holders.get(p.key, set()) | holders.get(singular(p.key), set())) for p in wanted]
    held = [(phrase, tables) for phrase, tables in held if tables]
    found: dict[int, dict[str, float]] = {}
    for phrase, tables in held:
        if any(_is_part(phrase, other) for other, _ in held):
            continue
        worth = 1.0 if phrase.quoted or phrase.capital or phrase.words > 1 else PLAIN
        for relid in tables:
            found.setdefault(relid, {})[phrase.key] = worth * max(0.0, 1 - FALL * math.log(len(tables)))
    return found


def _tells(phrase: Phrase) -> bool:
    if phrase.meant and len(phrase.text) == 1:
        return False
    if phrase.words > 1:
        return True
    return not (phrase.key in STOP_WORDS or phrase.key.isdecimal() or phrase.short)


def _is_part(phrase: Phrase, other: Phrase) -> bool:
    return phrase.part_of(other) and len(other.key) > len(phrase.key)
