"""United States social security numbers: three groups that are in use, or nine digits after the words."""

from __future__ import annotations

import re

_LABEL = re.compile(
    r"(?:ssn|social security(?: (?:number|no\.?))?|社会安全号码?|社安号)[^0-9A-Za-z\n]{0,6}$", re.IGNORECASE
)
LABEL_REACH = 40


def is_ssn(area: str, group: str, serial: str) -> bool:
    """Never given out: area 000, 666 and from 900, group 00, serial 0000."""
    return area not in ("000", "666") and area[0] != "9" and group != "00" and serial != "0000"


def is_labelled(before: str) -> bool:
    return _LABEL.search(before) is not None


def shown(number: str) -> str:
    return "***-**-" + number[-4:]
