"""What keeps a running statement within bounds: a real time limit, a cap on memory, and a role that can't be left.

PostgreSQL's own timeouts do not start anew inside a running statement, so the time limit is a timer of the operating
system that sends this backend what a cancel sends. All of it is C behind ctypes; where a symbol is missing nothing may
run, which the caller learns as an Unconfined error.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import resource
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_LOCAL_USERID_CHANGE = 1  # SECURITY_LOCAL_USERID_CHANGE, src/include/miscadmin.h: SET ROLE and the like are refused
_SIGEV_SIGNAL = 0
_CLOCK_MONOTONIC = 1
AGAIN_NS = 200_000_000
PATIENCE = 5.0  # seconds of unheeded cancels until the session ends
MEMORY = 384_000_000  # more bytes than the process had, for one statement


class Unconfined(Exception):
    """This server can't be kept within bounds from here."""


class _SigEvent(ctypes.Structure):
    """struct sigevent of glibc and musl: 64 bytes, the value first."""

    _fields_ = (
        ("value", ctypes.c_void_p),
        ("signo", ctypes.c_int),
        ("notify", ctypes.c_int),
        ("rest", ctypes.c_byte * 48),
    )


class _TimerSpec(ctypes.Structure):
    """struct itimerspec."""

    _fields_ = (
        ("interval_s", ctypes.c_long),
        ("interval_ns", ctypes.c_long),
        ("value_s", ctypes.c_long),
        ("value_ns", ctypes.c_long),
    )


@functools.cache
def _server() -> ctypes.CDLL:
    """The server's own symbols, and those of the libraries it has loaded; looked up once a process."""
    return ctypes.CDLL(None)


def _symbol(name: str) -> Any:
    try:
        return getattr(_server(), name)
    except AttributeError:
        raise Unconfined(f"the server has no {name}()") from None


def _acting() -> tuple[ctypes.c_uint, ctypes.c_int]:
    """The role that the backend acts as, and what the server holds of it (SECURITY_… flags)."""
    user, context = ctypes.c_uint(), ctypes.c_int()
    _symbol("GetUserIdAndSecContext")(ctypes.byref(user), ctypes.byref(context))
    return user, context


def hold_role() -> None:
    """Refuse SET ROLE, SET SESSION AUTHORIZATION and their set_config() until the subtransaction around ends."""
    user, context = _acting()
    _symbol("SetUserIdAndSecContext")(user, ctypes.c_int(context.value | _LOCAL_USERID_CHANGE))


def hold_read_only() -> bool:
    """Nothing can be written until the subtransaction around ends; whether that was so already.

    Not by set_config(): PL/Python runs each query in a subtransaction of its own, whose end takes the setting back.
    """
    return set_read_only(True)


def set_read_only(wanted: bool) -> bool:
    """Set it; what it was before."""
    try:
        flag = ctypes.c_bool.in_dll(_server(), "XactReadOnly")
    except ValueError:
        raise Unconfined("the server has no XactReadOnly") from None
    before, flag.value = flag.value, wanted
    return before


def is_superuser() -> bool:
    """Whether the role that the backend acts as now is one."""
    answer = _symbol("superuser")
    answer.restype = ctypes.c_bool
    return bool(answer())


def leave_superuser(role: int | None) -> None:
    """Act as this role until the subtransaction around ends, if the role now is a superuser."""
    if not is_superuser():
        return
    if not role:
        raise Unconfined("the server has no role pg_read_all_data")
    _, context = _acting()
    _symbol("SetUserIdAndSecContext")(ctypes.c_uint(role), context)
    if is_superuser():
        raise Unconfined("pg_read_all_data is a superuser")


@contextlib.contextmanager
def role_held() -> Iterator[None]:
    """As hold_role(), until the block ends: for what is kept, so that no subtransaction around it is undone."""
    user, context = _acting()
    hold_role()
    try:
        yield
    finally:
        _symbol("SetUserIdAndSecContext")(user, context)


@dataclass
class Timer:
    """Whether the limit was reached; known once the timer is gone."""

    fired: bool = False


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[Timer]:
    """Cancel the backend's statement after so many seconds; the caller sees SQLSTATE 57014.

    And again while it goes on, as a function may catch a cancel. One that catches them all ends the session (57P01):
    nothing else would end it.
    """
    state = Timer()
    deadline = time.monotonic() + seconds
    with _signalled(signal.SIGINT, seconds, AGAIN_NS), _signalled(signal.SIGTERM, seconds + PATIENCE):
        try:
            yield state
        finally:
            state.fired = time.monotonic() >= deadline


@contextlib.contextmanager
def _signalled(signo: int, seconds: float, again_ns: int = 0) -> Iterator[None]:
    """Have the kernel send this process a signal after so many seconds, and again each `again_ns`."""
    event = _SigEvent(value=None, signo=signo, notify=_SIGEV_SIGNAL)
    timer = ctypes.c_void_p()
    if _symbol("timer_create")(_CLOCK_MONOTONIC, ctypes.byref(event), ctypes.byref(timer)):
        raise Unconfined("no timer is left")
    try:
        whole, part = divmod(max(seconds, 0.001), 1)
        spec = _TimerSpec(interval_ns=again_ns, value_s=int(whole), value_ns=int(part * 1e9))
        if _symbol("timer_settime")(timer, 0, ctypes.byref(spec), None):
            raise Unconfined("the timer can't be set")
        yield
    finally:
        _symbol("timer_delete")(timer)


def grow_stack(depth: int) -> None:
    """Give the process its whole stack of `depth` bytes now: under a memory limit a stack that can't grow is a crash.

    A call that takes its argument by value does it; the stack never shrinks again, so once a process is enough.
    """
    if _stack["depth"] >= depth:
        return
    most, _ = resource.getrlimit(resource.RLIMIT_STACK)
    if most != resource.RLIM_INFINITY:
        depth = min(depth, most - _STACK_SPARE)
    block = type("Block", (ctypes.Structure,), {"_fields_": [("bytes", ctypes.c_byte * depth)]})
    take = _symbol("abs")
    take.argtypes = [block]
    take(block())
    _stack["depth"] = depth


_STACK_SPARE = 768 * 1024  # of the stack's limit: what is in use already, and what PostgreSQL keeps for itself
_stack = {"depth": 0}


@contextlib.contextmanager
def memory_limit(more_bytes: int) -> Iterator[None]:
    """Let the process grow by so much and no more: what asks for it gets PostgreSQL's "out of memory"."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    try:
        pages = int(Path("/proc/self/statm").read_text("ascii").split()[0])
    except OSError as error:
        raise Unconfined(f"the size of the process is not known: {error.strerror}") from None
    wanted = pages * os.sysconf("SC_PAGE_SIZE") + more_bytes
    bounds = [limit for limit in (soft, hard) if limit != resource.RLIM_INFINITY]
    resource.setrlimit(resource.RLIMIT_AS, (min([wanted, *bounds]), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
