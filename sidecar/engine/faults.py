"""Every SidecarError that an engine raises, one function each, and the table that translates httpx's exceptions.

httpx and the operating system are foreign; they are mapped at one border (`engine/openai.py`) with FOREIGN.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx

from sidecar.errors import SidecarError

SHOW_STATUS = "Ask again in a moment; nl2sql.status() shows how far it is."
PULL_MODEL = "Fetch the model with `nl2sql-model pull`; the sidecar notices it by itself."
PULL_AGAIN = "Remove and fetch the model again with `nl2sql-model remove` and `nl2sql-model pull`."
MESSAGE_LIMIT = 300


def loading(detail: str) -> SidecarError:
    return SidecarError("NL301", "the engine is still loading its model", detail=detail, hint=SHOW_STATUS)


def restarting(detail: str) -> SidecarError:
    return SidecarError("NL302", "the engine ended and is being restarted", detail=detail, hint=SHOW_STATUS)


def dead(detail: str, action: str) -> SidecarError:
    return SidecarError("NL302", "the engine does not run", detail=detail, hint=action)


def lost() -> SidecarError:
    return SidecarError(
        "NL302",
        "the engine ended while it worked on this request",
        detail="The connection to the engine broke, so there is no answer.",
        hint=SHOW_STATUS,
    )


def unreachable(url: str) -> SidecarError:
    return SidecarError(
        "NL302",
        "the engine's server can't be reached",
        detail=f"No connection to {url}.",
        hint="Start that server, or correct engine_url in the sidecar's settings.",
    )


def model_missing(folder: Path, what: str) -> SidecarError:
    return SidecarError("NL303", "the model is not there", detail=f"{what} is missing in {folder}.", hint=PULL_MODEL)


def model_corrupt(detail: str) -> SidecarError:
    return SidecarError("NL304", "the model can't be loaded", detail=detail, hint=PULL_AGAIN)


def model_unreadable(error: OSError) -> SidecarError:
    return SidecarError(
        "NL304",
        "the model can't be loaded",
        detail=f"A file of it can't be read: {error}.",
        hint="Give the sidecar's user the right to read the model's folder; the sidecar notices it by itself.",
    )


def failed(status: int, message: str) -> SidecarError:
    return SidecarError(
        "NL305",
        "the engine answered with an error",
        detail=f"HTTP {status}: {shorten(message)}",
        hint="See the engine's log; if the request looks ordinary, please report it.",
    )


def malformed(what: str) -> SidecarError:
    return SidecarError(
        "NL305",
        "the engine's answer can't be read",
        detail=shorten(what),
        hint="Check that engine_url names an OpenAI-compatible server, and see the engine's log.",
    )


def timed_out(seconds: float) -> SidecarError:
    return SidecarError(
        "NL306",
        "the engine did not answer in time",
        detail=f"The request was given up after {seconds:.1f} s, and the engine was told to drop it.",
        hint="Raise nl2sql.timeout, ask for fewer candidates, or take a smaller model.",
    )


def overloaded(detail: str) -> SidecarError:
    return SidecarError(
        "NL307",
        "too many requests are waiting for the engine",
        detail=detail,
        hint="Ask again in a moment, or raise engine_max_waiting.",
    )


def prompt_too_long(message: str) -> SidecarError:
    return SidecarError(
        "NL309",
        "the prompt does not fit the model's context",
        detail=shorten(message),
        hint="Narrow search_path, shorten the question, or take a model with a longer context.",
    )


def shorten(text: str) -> str:
    """One line of bounded length, safe to show at a SQL prompt."""
    line = " ".join(text.replace("\0", "").split())
    return line if len(line) <= MESSAGE_LIMIT else line[: MESSAGE_LIMIT - 1] + "…"


# What a foreign exception means; the first row that fits counts. `lost` and `late` become an error by the engine's
# state and the request's deadline, which only the client knows.
LOST, LATE, BAD = "lost", "late", "bad"
FOREIGN: tuple[tuple[type[Exception], str], ...] = (
    (httpx.TimeoutException, LATE),
    (httpx.NetworkError, LOST),
    (httpx.RemoteProtocolError, LOST),
    (httpx.HTTPError, BAD),
    (httpx.InvalidURL, BAD),
    (httpx.CookieConflict, BAD),
    (httpx.StreamError, BAD),
    (TimeoutError, LATE),
    (OSError, LOST),
)
FOREIGN_TYPES = tuple(kind for kind, _ in FOREIGN)


def translate(error: Exception, *, on_lost: Callable[[], SidecarError], deadline: float) -> SidecarError:
    """The SidecarError that stands for a foreign exception."""
    meaning = next(meaning for kind, meaning in FOREIGN if isinstance(error, kind))
    if meaning == LOST:
        return on_lost()
    return timed_out(deadline) if meaning == LATE else malformed(f"{type(error).__name__}: {error}")
