"""No exception of httpx leaves the border untranslated."""

from __future__ import annotations

import inspect

import httpx
import pytest

from sidecar.engine import faults
from sidecar.errors import SidecarError


def httpx_exceptions() -> list[type[Exception]]:
    found = [value for _, value in inspect.getmembers(httpx, inspect.isclass) if issubclass(value, Exception)]
    assert len(found) > 20
    return found


def translated(error: Exception) -> SidecarError:
    return faults.translate(error, on_lost=faults.lost, deadline=2.0)


def test_every_exception_of_httpx_is_mapped() -> None:
    unmapped = [kind.__name__ for kind in httpx_exceptions() if not issubclass(kind, faults.FOREIGN_TYPES)]
    assert unmapped == []


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (httpx.ConnectError("refused"), "NL302"),
        (httpx.ReadError("reset"), "NL302"),
        (httpx.RemoteProtocolError("closed"), "NL302"),
        (ConnectionResetError(), "NL302"),
        (httpx.ReadTimeout("late"), "NL306"),
        (httpx.PoolTimeout("late"), "NL306"),
        (TimeoutError(), "NL306"),
        (httpx.DecodingError("bad gzip"), "NL305"),
        (httpx.TooManyRedirects("loop"), "NL305"),
        (httpx.InvalidURL("no"), "NL305"),
    ],
)
def test_a_foreign_exception_becomes_the_code_that_fits(error: Exception, code: str) -> None:
    assert translated(error).sqlstate == code


@pytest.mark.parametrize(
    "error",
    [
        faults.loading("loading weights (3 s)"),
        faults.restarting("attempt 1 of 5"),
        faults.dead("It failed.", "Restart it."),
        faults.lost(),
        faults.unreachable("http://localhost:1/v1"),
        faults.model_corrupt("cut short"),
        faults.failed(500, "oops"),
        faults.malformed("not JSON"),
        faults.timed_out(3),
        faults.overloaded("256 requests are in flight."),
        faults.prompt_too_long("9000 tokens"),
    ],
)
def test_every_error_has_four_fields_in_postgresqls_style(error: SidecarError) -> None:
    assert all(error.fields().values())
    assert error.message[0].islower() and not error.message.endswith(".")
    assert error.hint.endswith(".")


def test_long_engine_messages_are_cut_to_one_line() -> None:
    text = faults.shorten("first\nsecond\0 " + "x" * 1000)
    assert len(text) == faults.MESSAGE_LIMIT and "\n" not in text and "\0" not in text
