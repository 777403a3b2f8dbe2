"""Chinese resident identity numbers: region, a real date, and the check character of ISO 7064 MOD 11-2."""

from __future__ import annotations

import re
from datetime import date

_SHAPE = re.compile(
    r"(?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3]|91)\d{4}"
    r"(18|19|20)(\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])\d{3}[\dXx]"
)
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_CHECK = "10X98765432"


def is_resident_id(number: str) -> bool:
    found = _SHAPE.fullmatch(number)
    if not found:
        return False
    century, year, month, day = found.groups()
    try:
        date(int(century + year), int(month), int(day))
    except ValueError:
        return False
    total = sum(int(digit) * weight for digit, weight in zip(number[:17], _WEIGHTS, strict=True))
    return _CHECK[total % 11] == number[17].upper()


def shown(number: str) -> str:
    return number[:3] + "***********" + number[-4:]
