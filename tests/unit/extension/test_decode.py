"""Answers and headers of a sidecar that can't be trusted to be one."""

from __future__ import annotations

from typing import Any

import pytest
from nl2sql_pg.client import _parse_head, _refused, decode, trusted_users
from nl2sql_pg.errors import Refusal


def code(function: Any, *arguments: Any) -> str:
    with pytest.raises(Refusal) as caught:
        function(*arguments)
    assert caught.value.detail
    assert caught.value.hint
    return caught.value.sqlstate


@pytest.mark.parametrize(
    ("answer", "sqlstate"),
    [
        (b"", "NL005"),
        (b"hello", "NL005"),
        (b"[1]", "NL005"),
        (b"null", "NL005"),
        (b'"text"', "NL005"),
        (b'{"a": 1, "a": 2}', "NL005"),
        (b'{"a": {"b": 1, "b": 2}}', "NL005"),
        (b'{"a": NaN}', "NL005"),
        (b'{"a": -Infinity}', "NL005"),
        (b'{"a": "\xff"}', "NL005"),
        (b'{"a": "\\ud800"}', "NL005"),
        (b'{"a": "b\\u0000c"}', "NL005"),
        (b'{"a": "\\\\\\u0000"}', "NL005"),
        (b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "NL005"),
        (b'{"a": ' + b"9" * 10_000 + b"}", "NL005"),
        (b'{"a": 1} {"b": 2}', "NL005"),
        (b'{"protocol": 2}', "NL007"),
        (b'{"protocol": "1"}', "NL007"),
        (b'{"protocol": null}', "NL007"),
    ],
)
def test_answer_that_is_none(answer: bytes, sqlstate: str) -> None:
    assert code(decode, answer) == sqlstate


@pytest.mark.parametrize(
    ("answer", "document"),
    [
        (b"{}", {}),
        (b'{"protocol": 1, "a": [1.5, null, "\xe4\xb8\xad"]}', {"protocol": 1, "a": [1.5, None, "中"]}),
        (b'{"a": "\\ud83c\\udf89"}', {"a": "🎉"}),
        (b'{"a": "\\\\u0000"}', {"a": "\\u0000"}),
    ],
)
def test_answer(answer: bytes, document: dict[str, Any]) -> None:
    assert decode(answer) == document


@pytest.mark.parametrize(
    "head",
    [
        b"",
        b"HTTP/1.1",
        b"HTTP/1.1 ok\r\nContent-Length: 1",
        b"HTTP/1.1 200 OK",
        b"HTTP/1.1 200 OK\r\nContent-Length: x",
        b"HTTP/1.1 200 OK\r\nContent-Length: -1",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\ncontent-length: 1",
        b"HTTP/1.1 199 OK\r\nContent-Length: 1",
        b"HTTP/1.1 600 OK\r\nContent-Length: 1",
        b"HTTP/1.1 200 OK\r\nno colon\r\nContent-Length: 1",
        b"HTTP/1.1 200 \xff\r\nContent-Length: 1",
    ],
)
def test_head_that_is_none(head: bytes) -> None:
    assert code(_parse_head, head) == "NL005"


def test_head() -> None:
    assert _parse_head(b"HTTP/1.1 503 No\r\nX: a:b\r\ncontent-LENGTH:  7 ") == (503, 7, False)
    assert _parse_head(b"HTTP/1.1 200 OK\r\nConnection: Keep-Alive\r\ncontent-length: 7") == (200, 7, True)
    assert _parse_head(b"HTTP/1.1 200 OK\r\nConnection: close\r\ncontent-length: 7") == (200, 7, False)


FIELDS = {"sqlstate": "NL301", "message": "loading", "detail": "Soon.", "hint": "Wait."}


@pytest.mark.parametrize(
    ("document", "sqlstate"),
    [
        ({"error": FIELDS}, "NL301"),
        ({"error": FIELDS | {"message": "x" * 100_000}}, "NL301"),
        ({}, "NL005"),
        ({"error": "no"}, "NL005"),
        ({"error": FIELDS | {"hint": ""}}, "NL005"),
        ({"error": FIELDS | {"hint": 1}}, "NL005"),
        ({"error": FIELDS | {"sqlstate": "57014"}}, "NL005"),
        ({"error": FIELDS | {"sqlstate": "NL3011"}}, "NL005"),
        ({"error": FIELDS | {"sqlstate": "NLxyz"}}, "NL005"),
    ],
)
def test_error_body(document: dict[str, Any], sqlstate: str) -> None:
    found = _refused(503, document) if sqlstate == "NL301" else None
    if found:
        assert (found.sqlstate, found.hint) == ("NL301", "Wait.")
        assert len(found.message) <= 2000
    else:
        assert code(_refused, 503, document) == sqlstate


def test_trusted_users() -> None:
    assert 0 in trusted_users("no_such_user_here")
    assert 4711 in trusted_users("4711")
    assert trusted_users("no_such_user_here") < trusted_users("4711")
