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
_STATEMENT_TIMEOUT = 3  # src/include/utils/timeout.h
_EPOCH = 946_684_800  # 2000-01-01, from where PostgreSQL counts its time
_WATCH = signal.SIGRTMIN + 5  # neither PostgreSQL nor Python uses these
AGAIN_NS = 200_000_000
WATCH_NS = 50_000_000
PATIENCE = 1.4  # seconds of unheeded cancels until the session is to end
FORCE = 0.1  # and more seconds until it is made to
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
def _server() -> ctypes.PyDLL:
    """The server's own symbols, and those of the libraries it has loaded; looked up once a process.

    As PyDLL: the interpreter's lock is kept, since nobody else waits for it, and a call may end the process.
    """
    return ctypes.PyDLL(None)


def symbol(name: str) -> Any:
    """A function of the server or of the C library; raises Unconfined."""
    try:
        return getattr(_server(), name)
    except AttributeError:
        raise Unconfined(f"the server has no {name}()") from None


def variable(name: str, kind: type[Any]) -> Any:
    """A variable of the server; raises Unconfined."""
    try:
        return kind.in_dll(_server(), name)
    except ValueError:
        raise Unconfined(f"the server has no {name}") from None


@contextlib.contextmanager
def calling_server() -> Iterator[None]:
    """The server's functions may be called that raise errors, if only they do not: an error would end the session.

    Interrupts wait, as one would be such an error.
    """
    held, fatal = variable("InterruptHoldoffCount", ctypes.c_uint32), variable("ExitOnAnyError", ctypes.c_bool)
    before = fatal.value
    held.value += 1
    fatal.value = True
    try:
        yield
    finally:
        fatal.value = before
        held.value -= 1


@contextlib.contextmanager
def errors_end_no_session() -> Iterator[None]:
    """Whatever the caller's exit_on_error: an error is put on record first; the one that is raised then may end it."""
    try:
        fatal = variable("ExitOnAnyError", ctypes.c_bool)
    except Unconfined:  # nothing will run here
        yield
        return
    before, fatal.value = fatal.value, False
    try:
        yield
    finally:
        fatal.value = before


@contextlib.contextmanager
def less_stack() -> Iterator[None]:
    """A quarter less of the stack for what is tried first: what then is done again has enough of it."""
    depth, assign = variable("max_stack_depth", ctypes.c_int).value, symbol("assign_max_stack_depth")
    assign(depth * 3 // 4, None)
    try:
        yield
    finally:
        assign(depth, None)


def _acting() -> tuple[ctypes.c_uint, ctypes.c_int]:
    """The role that the backend acts as, and what the server holds of it (SECURITY_… flags)."""
    user, context = ctypes.c_uint(), ctypes.c_int()
    symbol("GetUserIdAndSecContext")(ctypes.byref(user), ctypes.byref(context))
    return user, context


def hold_role() -> None:
    """Refuse SET ROLE, SET SESSION AUTHORIZATION and their set_config() until the subtransaction around ends."""
    user, context = _acting()
    symbol("SetUserIdAndSecContext")(user, ctypes.c_int(context.value | _LOCAL_USERID_CHANGE))


def hold_read_only() -> bool:
    """Nothing can be written until the subtransaction around ends; whether that was so already.

    Not by set_config(): PL/Python runs each query in a subtransaction of its own, whose end takes the setting back.
    """
    return set_read_only(True)


def set_read_only(wanted: bool) -> bool:
    """Set it; what it was before."""
    flag = variable("XactReadOnly", ctypes.c_bool)
    before = bool(flag.value)
    flag.value = wanted
    return before


def is_superuser() -> bool:
    """Whether the role that the backend acts as now is one."""
    answer = symbol("superuser")
    answer.restype = ctypes.c_bool
    return bool(answer())


def leave_superuser(role: int | None) -> None:
    """Act as this role until the subtransaction around ends, if the role now is a superuser."""
    if not is_superuser():
        return
    if not role:
        raise Unconfined("the server has no role pg_read_all_data")
    _, context = _acting()
    symbol("SetUserIdAndSecContext")(ctypes.c_uint(role), context)
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
        symbol("SetUserIdAndSecContext")(user, context)


@dataclass
class Timer:
    """Whether the limit was reached; known once the timer is gone."""

    fired: bool = False


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[Timer]:
    """Cancel the backend's statement after so many seconds; the caller sees SQLSTATE 57014.

    And again while it goes on, as a function may catch a cancel. A statement that heeds none of them ends the session
    (57P01): nothing else would end it. So does one that outlives the caller's own statement_timeout.
    """
    state = Timer()
    deadline = time.monotonic() + seconds
    last = min(seconds, _statement_timeout_left()) + PATIENCE
    with _signalled(signal.SIGINT, seconds, AGAIN_NS), _signalled(signal.SIGTERM, last), _forced(last + FORCE):
        try:
            yield state
        finally:
            state.fired = time.monotonic() >= deadline


@contextlib.contextmanager
def _forced(seconds: float) -> Iterator[None]:
    """Where PostgreSQL computes without looking for interrupts, have it look all the same after so many seconds.

    Its own routine for it becomes the handler of a signal. It does nothing while interrupts are held (in critical
    sections, with a lock of shared memory); else it ends the session as pg_terminate_backend() does, with all that
    belongs to it. It could not do that in the middle of malloc(), where code that looks for no interrupt seldom is.
    """
    set_handler = symbol("signal")
    set_handler.argtypes, set_handler.restype = (ctypes.c_int, ctypes.c_void_p), ctypes.c_void_p
    before = set_handler(_WATCH, ctypes.cast(symbol("ProcessInterrupts"), ctypes.c_void_p))
    try:
        with _signalled(_WATCH, seconds, WATCH_NS):
            yield
    finally:
        set_handler(_WATCH, before)


def _statement_timeout_left() -> float:
    """Seconds until the caller's statement_timeout; endless where there is none, or the server does not tell."""
    try:
        active, finish = symbol("get_timeout_active"), symbol("get_timeout_finish_time")
    except Unconfined:
        return float("inf")
    active.restype, finish.restype = ctypes.c_bool, ctypes.c_int64
    if not active(_STATEMENT_TIMEOUT):
        return float("inf")
    return max(0.0, int(finish(_STATEMENT_TIMEOUT)) / 1e6 + _EPOCH - time.time())


@contextlib.contextmanager
def _signalled(signo: int, seconds: float, again_ns: int = 0) -> Iterator[None]:
    """Have the kernel send this process a signal after so many seconds, and again each `again_ns`."""
    event = _SigEvent(value=None, signo=signo, notify=_SIGEV_SIGNAL)
    timer = ctypes.c_void_p()
    if symbol("timer_create")(_CLOCK_MONOTONIC, ctypes.byref(event), ctypes.byref(timer)):
        raise Unconfined("no timer is left")
    try:
        whole, part = divmod(max(seconds, 0.001), 1)
        spec = _TimerSpec(interval_ns=again_ns, value_s=int(whole), value_ns=int(part * 1e9))
        if symbol("timer_settime")(timer, 0, ctypes.byref(spec), None):
            raise Unconfined("the timer can't be set")
        yield
    finally:
        symbol("timer_delete")(timer)


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
    take = symbol("abs")
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
