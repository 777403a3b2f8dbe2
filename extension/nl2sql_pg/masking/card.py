"""Payment cards: an issuer's range, its lengths, the Luhn checksum."""

from __future__ import annotations

import re

SHORTEST, LONGEST = 14, 19
SHOWN = "****-****-****-"

# Visa; Mastercard and Mir; American Express; JCB; Diners; Discover, UnionPay, RuPay and Maestro. No Visa of 13 digits:
# none has been issued for decades, and bar codes have 13.
_ISSUED = re.compile(
    r"4(?:\d{15}|\d{18})"
    r"|(?:5[1-5]\d\d|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720|220[0-4])\d{12}"
    r"|3[47]\d{13}"
    r"|35(?:2[89]|[3-8]\d)\d{12,15}"
    r"|3(?:0[0-5]|[689]\d)\d{11}"
    r"|(?:50|5[6-9]|6\d)\d{14,17}"
)
_DOUBLED = bytes.maketrans(b"0123456789", b"\x00\x02\x04\x06\x08\x01\x03\x05\x07\x09")


def luhn(digits: str) -> bool:
    raw = digits.encode("ascii")
    odd, even = raw[-1::-2], raw[-2::-2].translate(_DOUBLED)
    return (sum(odd) - 48 * len(odd) + sum(even)) % 10 == 0


def is_card(digits: str) -> bool:
    return _ISSUED.fullmatch(digits) is not None and luhn(digits)


def shown(digits: str) -> str:
    return SHOWN + digits[-4:]
