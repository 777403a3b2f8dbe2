"""Names are quoted where PostgreSQL needs it, and only there; every listed function is written as it can match."""

from __future__ import annotations

import re

import pytest

from sidecar.guard.functions import allowed
from sidecar.guard.names import RESERVED, quote


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("orders", "orders"),
        ("order_2", "order_2"),
        ("Orders", '"Orders"'),
        ("order", '"order"'),
        ("user", '"user"'),
        ("2nd", '"2nd"'),
        ("with space", '"with space"'),
        ('with"quote', '"with""quote"'),
        ("订单", '"订单"'),
        ("", '""'),
    ],
)
def test_quote(name: str, written: str) -> None:
    assert quote(name) == written


def test_reserved_words_are_words() -> None:
    assert len(RESERVED) > 90
    assert all(re.fullmatch("[a-z_]+", word) for word in RESERVED)


def test_list_of_functions() -> None:
    names = allowed()
    assert len(names) > 250
    assert all(re.fullmatch("[a-z_0-9]+", name) for name in names)
    forbidden = re.compile(
        r"^(lo_|has_|dblink|xml|xpath|txid|inet_(server|client))|_to_xml|setval|nextval|set_config|ts_stat"
    )
    assert not [name for name in names if forbidden.search(name)]
