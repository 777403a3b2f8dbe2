"""International bank account numbers: the country's length and the checksum modulo 97."""

from __future__ import annotations

import re
from collections.abc import Iterator

from nl2sql_pg.masking.findings import CHECKED, Finding, stars

_START = re.compile(r"[A-Za-z](?<![0-9A-Za-z_].)[A-Za-z][0-9]{2}(?=[ -]?[A-Za-z0-9]{4})")
# The registry of ISO 13616: characters in all.
_LENGTHS = dict(
    entry.split(":")
    for entry in (
        "AD:24 AE:23 AL:28 AT:20 AZ:28 BA:20 BE:16 BG:22 BH:22 BI:27 BR:29 BY:28 CH:21 CR:22 CY:28 CZ:24 "
        "DE:22 DJ:27 DK:18 DO:28 EE:20 EG:29 ES:24 FI:18 FK:18 FO:18 FR:27 GB:22 GE:22 GI:23 GL:18 GR:27 "
        "GT:28 HN:28 HR:21 HU:28 IE:22 IL:23 IQ:23 IS:26 IT:27 JO:30 KW:30 KZ:20 LB:28 LC:32 LI:21 LT:20 "
        "LU:20 LV:21 LY:25 MC:27 MD:24 ME:22 MK:19 MN:20 MR:27 MT:31 MU:30 NI:28 NL:18 NO:15 OM:23 PK:24 "
        "PL:28 PS:29 PT:25 QA:29 RO:24 RS:22 RU:33 SA:24 SC:31 SD:18 SE:24 SI:19 SK:24 SM:27 SO:23 ST:25 "
        "SV:28 TL:23 TN:24 TR:26 UA:29 VA:22 VG:24 XK:20 YE:30"
    ).split()
)
LONGEST = 33 * 2


def is_iban(compact: str) -> bool:
    """Letters count from 10; the first four characters go to the end; the rest by 97 is one."""
    try:
        return int("".join(str(int(c, 36)) for c in compact[4:] + compact[:4])) % 97 == 1
    except ValueError:
        return False


def find(text: str) -> Iterator[Finding]:
    for start in _START.finditer(text):
        length = int(_LENGTHS.get(text[start.start() : start.start() + 2].upper(), "0"))
        end = _end(text, start.start(), length) if length else 0
        if end and is_iban("".join(filter(str.isalnum, text[start.start() : end]))):
            whole = text[start.start() : end]
            yield Finding(start.start(), end, "iban", CHECKED, stars(whole, 2, 4))


def _end(text: str, start: int, length: int) -> int:
    """Where that many letters and digits end, with single blanks or dashes among them; 0 if they don't."""
    taken, place, most = 0, start, min(len(text), start + LONGEST)
    while place < most and taken < length:
        if text[place].isascii() and text[place].isalnum():
            taken += 1
        elif text[place] not in " -" or text[place - 1] in " -":
            return 0
        place += 1
    beyond = text[place : place + 1]
    return place if taken == length and not (beyond.isascii() and beyond.isalnum()) else 0
