"""Brackets within brackets: sqlglot's time doubles with each, the guard ends it early."""

from __future__ import annotations

import time

import pytest

from sidecar.errors import SidecarError
from sidecar.guard.check import check
from sidecar.guard.scope import Scope

SCOPE = Scope(("public",), ())


@pytest.mark.parametrize("depth", [7, 40])
def test_square_brackets_beyond_any_array(depth: int) -> None:
    began = time.monotonic()
    with pytest.raises(SidecarError, match="brackets within each other"):
        check("SELECT " + "[" * depth + "1" + "]" * depth, SCOPE)
    assert time.monotonic() - began < 1


def test_as_deep_as_an_array_can_be() -> None:
    assert check("SELECT ARRAY[[[[[[1]]]]]] AS deep", SCOPE).sql
