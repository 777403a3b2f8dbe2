"""What can go wrong in the sidecar, in PostgreSQL's four fields (docs/errors.md).

SidecarError
  sqlstate  NL1xx request (HTTP 400), NL2xx retrieval (400), NL3xx engine (503), NL4xx guard (422), NL5xx a bug (500),
            NL6xx audit (503)
  message   what happened: lower case, no full stop
  detail    what follows from it, a sentence
  hint      what to do, a sentence
"""

from __future__ import annotations

STATUS_BY_GROUP = {"NL0": 403, "NL1": 400, "NL2": 400, "NL3": 503, "NL4": 422, "NL5": 500, "NL6": 503}
STATUS_BY_CODE = {"NL107": 413}


class SidecarError(Exception):
    """An error that a person at a SQL prompt will read."""

    def __init__(self, sqlstate: str, message: str, *, detail: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.sqlstate = sqlstate
        self.message = message
        self.detail = detail
        self.hint = hint

    @property
    def status(self) -> int:
        return STATUS_BY_CODE.get(self.sqlstate, STATUS_BY_GROUP[self.sqlstate[:3]])

    def fields(self) -> dict[str, str]:
        """The four fields as they travel in an error body."""
        return {"sqlstate": self.sqlstate, "message": self.message, "detail": self.detail, "hint": self.hint}
