"""Errors of the journal, as a user of the database reads them."""

from __future__ import annotations

from pathlib import Path

from sidecar.errors import SidecarError

NOT_ANSWERED = "Without an audit record there is no answer: nothing was done."


def not_stored(reason: str, hint: str) -> SidecarError:
    return SidecarError("NL601", f"the audit record can't be stored: {reason}", detail=NOT_ANSWERED, hint=hint)


def not_written(folder: Path, error: OSError) -> SidecarError:
    return not_stored(
        f"the sidecar can't write to its journal ({error.strerror or type(error).__name__})",
        f"Free space on the disk of {folder}, or set its rights right; the sidecar then goes on by itself.",
    )


def full(folder: Path, limit: int) -> SidecarError:
    return not_stored(
        f"{limit} bytes of records wait for the database",
        f"Let the sidecar reach the database (setting databases), or raise its audit_spool_bytes; see {folder}.",
    )


def other_key(folder: Path) -> SidecarError:
    return not_stored(
        "the records that wait were signed with another key",
        f"Put the key of these records back as file key beside {folder}, or move that folder away.",
    )


def unfit_key(path: Path) -> SidecarError:
    return not_stored(f"{path} is no key of 32 bytes", "Put the right key back; where there is none a new one is made.")


def not_started(reason: str, hint: str) -> SidecarError:
    return SidecarError(
        "NL601", f"the audit journal can't be kept: {reason}", detail="The sidecar did not start.", hint=hint
    )
