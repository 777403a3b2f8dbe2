"""Numbers in groups of digits: which of them are cards, identity numbers or telephones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from nl2sql_pg.masking import card, phone, resident_id, ssn
from nl2sql_pg.masking.findings import CHECKED, SHAPED, Finding

# Consumes a whole run and never goes back far: a group of digits and up to three separators decide each step.
_RUN = re.compile(r"[0-9]+(?:[ .\-()]{1,3}[0-9]+)*")
_GROUP = re.compile(r"[0-9]+")
_SHORTEST = 9  # digits


class Group(NamedTuple):
    """Digits without a separator among them; `before` and `after` are what stands next to them."""

    start: int
    end: int
    digits: str
    before: str
    after: str
    tail: str


def find(text: str) -> Iterator[Finding]:
    for run in _RUN.finditer(text):
        if run.end() - run.start() >= _SHORTEST:
            groups = _groups(text, run.start(), run.end())
            place = 0
            while place < len(groups):
                finding = _at(text, groups, place)
                if finding:
                    yield finding
                    while place < len(groups) and groups[place].start < finding.end:
                        place += 1
                else:
                    place += 1


def _groups(text: str, start: int, end: int) -> list[Group]:
    spans = [found.span() for found in _GROUP.finditer(text, start, end)]
    groups = []
    for number, (first, last) in enumerate(spans):
        before = text[spans[number - 1][1] : first] if number else text[max(0, first - 2) : first]
        after = text[last : spans[number + 1][0]] if number + 1 < len(spans) else ""
        groups.append(Group(first, last, text[first:last], before, after, text[last : last + 2]))
    return groups


def _at(text: str, groups: list[Group], place: int) -> Finding | None:
    """What starts with this group, the surest kind first."""
    group = groups[place]
    if not _may_start(group, first=place == 0):
        return None
    plus = group.before.rstrip("(").endswith("+")
    return (
        (None if plus else _card(text, groups, place) or _resident_id(text, groups, place))
        or _phone(text, groups, place, plus)
        or (None if plus else _ssn(text, groups, place))
    )


def _may_start(group: Group, first: bool) -> bool:
    """Not within a word, nor after a decimal point."""
    before = group.before
    if not before:
        return True
    last = before[-1]
    if first and (last == "_" or (last.isascii() and last.isalnum())):
        return False
    return not (last in ".," and (not first or before[0].isdigit()))


def _ends(group: Group) -> bool:
    """Not within a word, nor before a decimal point."""
    tail = group.tail
    if not tail:
        return True
    if tail[0] == "_" or (tail[0].isascii() and tail[0].isalnum()):
        return False
    return not (tail[0] in ".," and tail[1:].isdigit())


def _card(text: str, groups: list[Group], place: int) -> Finding | None:
    digits = ""
    for group in groups[place : place + 6]:
        digits += group.digits
        if len(digits) > card.LONGEST:
            return None
        if len(digits) >= card.SHORTEST and _ends(group) and card.is_card(digits):
            return Finding(groups[place].start, group.end, "card", CHECKED, card.shown(digits))
        if len(group.digits) < 3:
            return None
    return None


def _resident_id(text: str, groups: list[Group], place: int) -> Finding | None:
    """In one piece, or as region, date of birth and the rest. An X at the end is no digit."""
    number = ""
    for group in groups[place : place + 3]:
        number += group.digits
        if len(number) < 17:
            if len(number) not in (6, 14):
                return None
            continue
        end = group.end
        if len(number) == 17 and group.tail[:1] in ("X", "x"):
            number, end = number + "X", end + 1
            beyond = text[end : end + 1]
            ends = not (beyond.isascii() and beyond.isalnum())
        else:
            ends = _ends(group)
        if ends and resident_id.is_resident_id(number):
            return Finding(groups[place].start, end, "resident_id", CHECKED, resident_id.shown(number))
        return None
    return None


def _ssn(text: str, groups: list[Group], place: int) -> Finding | None:
    group = groups[place]
    if len(group.digits) == 9 and _ends(group):
        before = text[max(0, group.start - ssn.LABEL_REACH) : group.start]
        digits = group.digits
        if ssn.is_ssn(digits[:3], digits[3:5], digits[5:]) and ssn.is_labelled(before):
            return Finding(group.start, group.end, "ssn", SHAPED, ssn.shown(digits))
        return None
    window = groups[place : place + 3]
    if (
        [len(g.digits) for g in window] != [3, 2, 4]
        or window[0].after != window[1].after
        or window[0].after not in ("-", " ")
    ):
        return None
    if not _alone(groups, place, place + 2, window[0].after) or not ssn.is_ssn(*(g.digits for g in window)):
        return None
    return Finding(group.start, window[2].end, "ssn", SHAPED, ssn.shown(window[2].digits))


def _phone(text: str, groups: list[Group], place: int, plus: bool) -> Finding | None:
    group = groups[place]
    if plus:
        return _international(text, groups, place)
    if group.digits.startswith("00") and group.digits[2:4] in ("86", "1"):
        return _international(text, groups, place, skip=2)
    if len(group.digits) == 11:
        return _bare_mobile(text, group)
    if len(group.digits) == 13 and group.digits.startswith("86"):
        return _bare_mobile(text, group, skip=2)
    if group.digits == "86":
        return _china(text, groups, place, place + 1)
    return _china(text, groups, place, place) or _north_america(text, groups, place)


def _international(text: str, groups: list[Group], place: int, skip: int = 0) -> Finding | None:
    """The longest number that the next groups make."""
    digits, best, keep = "", 0, 0
    for group in groups[place : place + 7]:
        digits += group.digits
        if len(digits) - skip > 15:
            break
        if len(digits) - skip >= 9 and _ends(group) and phone.is_international(digits[skip:]):
            start = phone.shown_start(digits[skip:])
            best, keep = group.end, skip + start if start else 0
    return _shown(text, groups[place].start, best, keep) if best else None


def _bare_mobile(text: str, group: Group, skip: int = 0) -> Finding | None:
    digits = group.digits[skip:]
    if not phone.is_mobile_china(digits):
        return _bare_america(text, group) if not skip else None
    if not _ends(group) or phone.is_other_number(text[max(0, group.start - phone.LABEL_REACH) : group.start]):
        return None
    return _shown(text, group.start, group.end, skip + 3)


def _bare_america(text: str, group: Group) -> Finding | None:
    """Ten digits, or eleven from 1, are a telephone only if the words before say so."""
    digits = group.digits[-10:]
    if len(group.digits) == 11 and group.digits[0] != "1":
        return None
    if not phone.is_north_american(digits[:3], digits[3:6]) or not _ends(group):
        return None
    if not phone.is_labelled(text[max(0, group.start - phone.LABEL_REACH) : group.start]):
        return None
    return _shown(text, group.start, group.end)


def _china(text: str, groups: list[Group], first: int, place: int) -> Finding | None:
    """A mobile in groups (138 1234 5678), a landline with its area code (010-12345678), after 86 or not."""
    window = groups[place : place + 3]
    sizes = [len(group.digits) for group in window]
    if sizes == [3, 4, 4] and phone.is_mobile_china("".join(g.digits for g in window)):
        last = place + 2
    elif sizes[:1] == [11] and first < place and phone.is_mobile_china(window[0].digits):
        last = place
    elif len(window) > 1 and phone.is_landline_china(window[0].digits, window[1].digits):
        last = place + 1
    else:
        return None
    if not _ends(groups[last]):
        return None
    country = 2 if first < place else 0
    keep = country + 3 if window[0].digits[0] == "1" else 0
    return _shown(text, groups[first].start, groups[last].end, keep)


def _north_america(text: str, groups: list[Group], place: int) -> Finding | None:
    group = groups[place]
    if len(group.digits) == 10:
        return _bare_america(text, group)
    start = place
    if group.digits == "1" and place + 1 < len(groups):
        place += 1
    window = groups[place : place + 3]
    if [len(g.digits) for g in window] != [3, 3, 4] or not phone.is_north_american(window[0].digits, window[1].digits):
        return None
    if not _ends(window[2]) or not _alone(groups, start, place + 2, window[1].after):
        return None
    return _shown(text, groups[start].start, window[2].end)


def _alone(groups: list[Group], first: int, last: int, separator: str) -> bool:
    """Whether the groups beside these are set apart by another separator: else it is a list of figures."""
    before = groups[first].before if first else ""
    return (
        before.strip("(") not in (separator, "-", ".")
        and groups[last].after not in (separator, "-", ".")
        and _ends(groups[last])
    )


def _shown(text: str, start: int, end: int, keep: int = 0) -> Finding:
    return Finding(start, end, "phone", SHAPED, phone.shown(text[start:end], keep))
