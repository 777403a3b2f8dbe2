"""Whether anybody still waits for the answer: PostgreSQL itself looks only while it reads from or writes to its client.

(Or each client_connection_check_interval, where that is set.)
"""

from __future__ import annotations

import ctypes
import select

from nl2sql_pg.confinement import Unconfined, variable

_GONE = select.POLLRDHUP | select.POLLHUP | select.POLLERR


def caller_is_gone() -> bool:
    """Whether the client has closed its connection; False where the server does not show its socket."""
    try:
        port = variable("MyProcPort", ctypes.c_void_p).value
    except Unconfined:
        return False
    if not port:
        return False
    poller = select.poll()
    poller.register(ctypes.c_int.from_address(port).value, _GONE)  # the first field of struct Port
    return bool(poller.poll(0))


def report_it() -> None:
    """Let PostgreSQL end the session when it looks for interrupts next, as it does when it notices by itself."""
    for name in ("ClientConnectionLost", "InterruptPending"):
        variable(name, ctypes.c_int).value = 1
