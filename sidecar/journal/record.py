"""What an audit record may say: flat, of texts, whole numbers, truth values and lists of texts; long texts are cut."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

CUT = "..."  # what every database can store
MOST_ITEMS = 1000


def _cut_at(length: int) -> AfterValidator:
    return AfterValidator(lambda text: text if len(text) <= length else text[: length - len(CUT)] + CUT)


def _cut_list(items: list[str]) -> list[str]:
    return items if len(items) <= MOST_ITEMS else [*items[: MOST_ITEMS - 1], CUT]


Name = Annotated[str, _cut_at(300)]
Names = Annotated[list[Name], AfterValidator(_cut_list)]
Line = Annotated[str, _cut_at(4000)]
Text = Annotated[str, _cut_at(32_768)]
Whole = Annotated[int, Field(ge=-(2**63), lt=2**63)]
Count = Annotated[int, Field(ge=0, lt=2**63)]


class Record(BaseModel):
    """One event. `at` and `backend_start` are microseconds since 1970; what is not known is left out."""

    model_config = ConfigDict(extra="forbid", strict=True)

    id: str = Field(pattern=r"^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$")
    event: Literal["intent", "outcome", "event"]
    action: str = Field(pattern=r"^[a-z][a-z_]{0,62}$")
    at: Whole
    session_user: Name
    role: Name
    member_of: Names = []
    client_addr: Name | None = None
    application_name: Name | None = None
    pid: Whole | None = None
    backend_start: Whole | None = None
    in_recovery: bool | None = None
    question: Annotated[str, _cut_at(8000)] | None = None
    sql: Text | None = None
    model: Name | None = None
    fingerprint: Name | None = None
    verdict: Name | None = None
    rule: Line | None = None
    sqlstate: Annotated[str, Field(pattern=r"^[0-9A-Z]{5}$")] | None = None
    message: Line | None = None
    tables: Names | None = None
    columns: Names | None = None
    masks: Names | None = None
    rows: Count | None = None
    bytes: Count | None = None
    milliseconds: Count | None = None
    cost: Count | None = None
    confidence: Annotated[int, Field(ge=0, le=1000)] | None = None
    request_id: Name | None = None
    details: Text | None = None

    def fields(self) -> dict[str, object]:
        """What is signed and stored: the fields that are known."""
        return self.model_dump(exclude_unset=True, exclude_none=True)


def spelled_plainly(record: Mapping[str, Any]) -> dict[str, Any]:
    """The record in ASCII without NUL, which a database of any encoding can store; other characters become escapes."""
    return {name: _plain(value) for name, value in record.items()}


def _plain(value: object) -> object:
    if isinstance(value, str):
        return value.encode("ascii", "backslashreplace").decode("ascii").replace("\0", "\\x00")
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value
