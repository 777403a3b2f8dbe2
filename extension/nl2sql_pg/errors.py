"""Errors in PostgreSQL's four fields (docs/errors.md).

Failure
  Refusal    something the user can act on: SQLSTATE, MESSAGE, DETAIL, HINT
  ServerError  the server's own words (cancel, timeout, a planner error), passed on as they are
    ExplainedError  with what follows and what to do
"""

from __future__ import annotations


class Failure(Exception):
    """Anything that ends a question without an answer."""

    def __init__(self, sqlstate: str, message: str) -> None:
        super().__init__(message)
        self.sqlstate = sqlstate
        self.message = message

    def fields(self) -> dict[str, str]:
        return {"sqlstate": self.sqlstate, "message": self.message}


class Refusal(Failure):
    """An error of nl2sql itself: what happened, what follows, what to do."""

    def __init__(self, sqlstate: str, message: str, *, detail: str, hint: str) -> None:
        super().__init__(sqlstate, message)
        self.detail = detail
        self.hint = hint

    def fields(self) -> dict[str, str]:
        return {**super().fields(), "detail": self.detail, "hint": self.hint}


class ServerError(Failure):
    """An error that PostgreSQL raised while it worked for us.

    `planning`: it came from planning a statement that names and types had nothing against. Planning runs functions
    that are not volatile, so its words may quote stored data.
    """

    def __init__(self, sqlstate: str, message: str, hint: str | None = None, planning: bool = False) -> None:
        super().__init__(sqlstate, message)
        self.server_hint = hint
        self.planning = planning

    @property
    def final(self) -> bool:
        """Whether the statement itself is to end: cancelled, timed out, shut down, in conflict with recovery."""
        return self.sqlstate.startswith("57") or self.sqlstate in ("40001", "25P03")


class ExplainedError(ServerError):
    """An error of PostgreSQL's with what follows and what to do in our words; its message is still the server's."""

    def __init__(self, error: ServerError, message: str, *, detail: str, hint: str) -> None:
        super().__init__(error.sqlstate, message, None, error.planning)
        self.detail = detail
        self.hint = hint

    def fields(self) -> dict[str, str]:
        return {**super().fields(), "detail": self.detail, "hint": self.hint}


LOCK_NOT_AVAILABLE = "55P03"


def locked(error: ServerError, consequence: str) -> ExplainedError:
    """A lock that another session holds on one of the tables."""
    return ExplainedError(
        error,
        "a table is locked by another session",
        detail=f"It did not let go of it while this waited. {consequence}",
        hint="Try again later; pg_locks and pg_blocking_pids() tell who holds it.",
    )


def explained(failure: Failure) -> Failure:
    """As it is; but of what passes by itself the server does not say what to do."""
    if not isinstance(failure, ServerError) or isinstance(failure, ExplainedError):
        return failure
    if failure.sqlstate == LOCK_NOT_AVAILABLE:
        return locked(failure, "Nothing was changed.")
    if failure.sqlstate != "40001":
        return failure
    return ExplainedError(
        failure,
        failure.message,
        detail="The primary removed rows that this standby still showed to the statement. There is no answer.",
        hint="Ask again; max_standby_streaming_delay or hot_standby_feedback gives statements on a standby more time.",
    )


def internal(error: BaseException) -> Refusal:
    """A bug of ours, told without a traceback."""
    return Refusal(
        "NL501",
        f"nl2sql failed internally: {type(error).__name__}",
        detail="The question has no answer; nothing was changed. The server log has the particulars.",
        hint="This is probably a bug in nl2sql, please report it with the server log's entry.",
    )
