"""POST /v1/audit and its helpers: keep records, say what was signed, and whether given entries still are that."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import Field

from sidecar.api.deps import ServicesDep
from sidecar.api.direct import direct
from sidecar.api.schemas import Answer, Body, ErrorBody, Name
from sidecar.api.schemas import Request as Asked
from sidecar.errors import SidecarError
from sidecar.journal.chain import Entry, Head
from sidecar.journal.record import Record
from sidecar.services import Services

router = APIRouter()

_ERRORS: dict[int | str, dict[str, Any]] = {400: {"model": ErrorBody}, 503: {"model": ErrorBody}}
Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Seq = Annotated[int, Field(ge=0, lt=2**63)]


class AuditRequest(Asked):
    database: Name
    records: list[Record] = Field(min_length=1, max_length=1000)


class AuditAnswer(Answer):
    accepted: int


class HeadRequest(Asked):
    database: Name


class HeadBody(Body):
    chain: str = Field(max_length=36)
    seq: Seq
    hash: Hash


class SignedHead(HeadBody):
    delivered: Seq


class HeadAnswer(Answer):
    heads: list[SignedHead]


class EntryBody(HeadBody):
    prev: Hash
    record: dict[str, Any]

    def typed(self) -> Entry:
        return Entry(self.chain, self.seq, self.prev, self.hash, self.record)


class VerifyRequest(Asked):
    database: Name
    entries: list[EntryBody] = Field(max_length=1000)
    after: HeadBody | None


class ProblemBody(Body):
    seq: int
    problem: str


class VerifyAnswer(Answer):
    problems: list[ProblemBody]
    last: HeadBody | None


async def audit(body: AuditRequest, request: Request, services: ServicesDep) -> AuditAnswer:
    """Answers once the records are on the disk."""
    request.state.log |= {"records": len(body.records)}
    await services.journal.record(body.database, [record.fields() for record in body.records])
    return AuditAnswer(accepted=len(body.records))


router.add_api_route(
    "/v1/audit", audit, methods=["POST"], responses=_ERRORS, route_class_override=direct(AuditRequest, audit)
)


@router.post("/v1/audit/head", responses=_ERRORS)
async def head(body: HeadRequest, services: ServicesDep) -> HeadAnswer:
    """What this sidecar has signed for a database so far."""
    try:
        heads = await services.journal.heads(body.database)
    except (OSError, SidecarError) as error:
        raise _not_verifiable(str(error)) from error
    return HeadAnswer(heads=[SignedHead(**found) for found in heads])


@router.post("/v1/audit/verify", responses=_ERRORS)
def verify(body: VerifyRequest, services: ServicesDep) -> VerifyAnswer:
    """Whether entries of one chain, in order, carry the hashes they were signed with."""
    after = Head(body.after.chain, body.after.seq, body.after.hash) if body.after else None
    entries = [entry.typed() for entry in body.entries]
    _refuse_mixture(entries, after)
    found = _problems(services, entries, after)
    last = entries[-1].head if entries else after
    return VerifyAnswer(
        problems=[ProblemBody(seq=p.seq, problem=p.problem) for p in found],
        last=HeadBody(chain=last.chain, seq=last.seq, hash=last.hash) if last else None,
    )


def _problems(services: Services, entries: list[Entry], after: Head | None) -> list[Any]:
    try:
        return services.journal.verify(entries, after)
    except SidecarError as error:
        raise _not_verifiable(error.message) from error


def _refuse_mixture(entries: list[Entry], after: Head | None) -> None:
    chains = {entry.chain for entry in entries} | ({after.chain} if after else set())
    if len(chains) > 1:
        raise _not_verifiable(f"{len(chains)} chains in one request")


def _not_verifiable(reason: str) -> SidecarError:
    return SidecarError(
        "NL602",
        f"the audit can't be verified: {reason}",
        detail="Nothing is known of these entries.",
        hint="See the sidecar's log and the row of the audit journal in nl2sql.status().",
    )
