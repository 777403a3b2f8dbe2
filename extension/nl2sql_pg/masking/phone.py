"""Telephone numbers, as groups of digits: international with a plus, North America, mainland China."""

from __future__ import annotations

import re

from nl2sql_pg.masking.findings import stars

MOBILE = re.compile(r"1(?:3\d|4\d|5[0-35-9]|6[2567]|7[0-8]|8\d|9[0-35-9])\d{8}")
_AREA_CHINA = re.compile(r"0(?:10|2\d|[3-9]\d{2})")
_LOCAL_CHINA = re.compile(r"[2-8]\d{6,7}")
_AREA_AMERICA = re.compile(r"[2-9](?!11)\d\d")
_EXCHANGE = re.compile(r"[2-9]\d\d")
LABEL_REACH = 24
_LABEL = re.compile(
    r"(?:tel|telephone|phone|mobile|cell|cellphone|call|fax|whatsapp|wechat|sms|text|contact|dial|ring|reach|电话|手机|联系|致电|传真|号码)"
    r"[^0-9A-Za-z\n]{0,4}(?:(?:no|number|me|us|him|her|them|at|on|is|号码?)[^0-9A-Za-z\n]{0,3}){0,3}$",
    re.IGNORECASE,
)
_OTHER_NUMBER = re.compile(
    r"(?:order|invoice|tracking|ticket|sku|batch|订单|单|运单|流水|发票|批次)[^0-9A-Za-z\n]{0,2}(?:no|number|id|号码?|编号)?[^0-9A-Za-z\n]{0,3}$",
    re.IGNORECASE,
)


def is_labelled(before: str) -> bool:
    """Whether the words before a number say that it is a telephone's."""
    return _LABEL.search(before) is not None


def is_other_number(before: str) -> bool:
    """Whether the words before a number say that it is an order's or the like."""
    return _OTHER_NUMBER.search(before) is not None


def is_mobile_china(digits: str) -> bool:
    return MOBILE.fullmatch(digits) is not None


def is_landline_china(area: str, local: str) -> bool:
    return _AREA_CHINA.fullmatch(area) is not None and _LOCAL_CHINA.fullmatch(local) is not None


def is_north_american(area: str, exchange: str) -> bool:
    return _AREA_AMERICA.fullmatch(area) is not None and _EXCHANGE.fullmatch(exchange) is not None


def is_international(digits: str) -> bool:
    """After a plus: E.164, where the plans of +1 and +86 are known. Amounts with a sign end in zeros."""
    if digits[0] == "1":
        return len(digits) == 11 and is_north_american(digits[1:4], digits[4:7])
    if digits.startswith("86"):
        return is_mobile_china(digits[2:]) or 10 <= len(digits) <= 13
    return 9 <= len(digits) <= 15 and not digits.endswith("00000")


def shown(number: str, keep: int = 0) -> str:
    """The last four digits, and as many of the first as the caller says."""
    return stars(number, keep, 4)


def shown_start(digits: str) -> int:
    """How many digits of an international number are shown first: of a mainland Chinese mobile those of the carrier."""
    return 5 if digits.startswith("86") and is_mobile_china(digits[2:]) else 0
