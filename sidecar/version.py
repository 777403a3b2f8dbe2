"""The one place of the sidecar's version and of the protocol it speaks (docs/protocol.md)."""

__version__ = "0.1.0"

PROTOCOL = 1
