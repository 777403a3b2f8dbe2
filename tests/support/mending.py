"""A proposal as the sidecar would put it right, with the scope that the extension sends, run on the real server."""

from __future__ import annotations

from typing import Any

from sidecar.api.schemas import ScopeBody
from sidecar.errors import SidecarError
from sidecar.guard.check import check
from sidecar.guard.scope import Scope
from sidecar.periods import named_period
from sidecar.repair.repair import repair
from tests.conftest import Connection, Database
from tests.support.asking import ask


def scope_of(database: Database, connection: Connection) -> Scope:
    """What the caller may read, as the sidecar gets it."""
    version = connection.info.server_version
    return ScopeBody.model_validate(ask(database, connection).scope).typed(version)


def mended(scope: Scope, proposal: str, question: str = "") -> str:
    """The statement after repair, which the guard has let through."""
    try:
        check(proposal, scope)
        refused = False
    except SidecarError:
        refused = True
    period = named_period(question)
    return check(repair(proposal, scope, (), question, period, refused=refused).sql, scope).sql


def rows(connection: Connection, statement: str) -> list[tuple[Any, ...]]:
    return sorted(connection.execute(statement.encode()).fetchall(), key=str)
