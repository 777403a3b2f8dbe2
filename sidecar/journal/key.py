"""The key of the chains: a file that only the sidecar's user can read, never in the database and never in a log."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from pathlib import Path

from sidecar.journal.faults import unfit_key
from sidecar.journal.files import write_whole

LENGTH = 32


def load_key(path: Path) -> bytes:
    """The key at `path`; made if there is none. Several sidecars of one database may be given the same file."""
    try:
        key = path.read_bytes()
    except FileNotFoundError:
        write_whole(path, secrets.token_bytes(LENGTH))
        key = path.read_bytes()
    if len(key) != LENGTH:
        raise unfit_key(path)
    return key


def name_of(key: bytes) -> str:
    """Tells keys apart without telling anything of them."""
    return hmac.new(key, b"nl2sql audit key", hashlib.sha256).hexdigest()[:16]
