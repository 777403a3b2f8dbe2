"""What PostgreSQL's PL/Python functions import. Standard library only: it runs inside a backend, on its interpreter.

One direction: entry -> status, index, pipeline -> retrieval -> embedding -> context -> client, bridge -> errors.
"""

__version__ = "0.1.0"

PROTOCOL = 1
