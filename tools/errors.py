"""The one exception of the tools: what happened, and what to do about it."""

from __future__ import annotations


class ToolError(Exception):
    """Shown to the person at the terminal as two lines, never as a traceback."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\nhint: {self.hint}" if self.hint else self.message
