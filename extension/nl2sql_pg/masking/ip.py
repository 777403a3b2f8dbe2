"""Addresses of the Internet Protocol, both versions."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator

from nl2sql_pg.masking.findings import CHECKED, Finding

_OCTET = r"(25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)"
_V4 = re.compile(rf"(?<![\w*])(?<!\d\.){_OCTET}\.{_OCTET}\.{_OCTET}\.{_OCTET}(?![\w*]|\.[\d*])", re.ASCII)
_VERSION = re.compile(
    r"(?:\b(?:v|ver|version|release|build|section|chapter)|版本号?|版|章|节)[^0-9A-Za-z\n]{0,3}$", re.IGNORECASE
)
_V6 = re.compile(
    r"(?<![\w:*])(?:[0-9A-Fa-f]{0,4}:){2,7}(?:\d{1,3}(?:\.\d{1,3}){3}|[0-9A-Fa-f]{0,4})(?![\w:*])", re.ASCII
)
_DIGITS = frozenset("0123456789")
_ENOUGH = 4  # hexadecimal digits: 1::2 is hardly an address


def find_version_4(text: str) -> Iterator[Finding]:
    """Four digits with dots, or words before it, are a version's number rather."""
    for found in _V4.finditer(text):
        if len(found[0]) > 7 and not _VERSION.search(text[max(0, found.start() - 12) : found.start()]):
            yield Finding(found.start(), found.end(), "ip", CHECKED, f"{found[1]}.{found[2]}.*.*")


def find_version_6(text: str) -> Iterator[Finding]:
    for found in _V6.finditer(text):
        address = found[0]
        digits = len(address) - address.count(":")
        if digits >= _ENOUGH and not _DIGITS.isdisjoint(address) and _is_version_6(address):
            first, second = address.split(":")[:2]
            shown = f"{first}:{second}:****" if first and second else f"{first}:****"
            yield Finding(found.start(), found.end(), "ip", CHECKED, shown)


def _is_version_6(address: str) -> bool:
    try:
        return bool(socket.inet_pton(socket.AF_INET6, address))
    except OSError:
        return False
