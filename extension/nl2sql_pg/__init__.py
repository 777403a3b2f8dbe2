"""What PostgreSQL's PL/Python functions import. Standard library only: it runs inside a backend, on its interpreter.

One direction: entry -> status, index, pipeline -> retrieval, planner -> client, bridge -> errors.
"""

__version__ = "0.1.0"

PROTOCOL = 1
