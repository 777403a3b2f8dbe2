"""Bodies of docs/protocol.md, and their way into the types of the rooms behind."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from sidecar.guard import scope as guard_scope
from sidecar.prompt import render
from sidecar.version import PROTOCOL

Name = Annotated[str, Field(min_length=1, max_length=63)]
Names = Annotated[list[Name], Field(max_length=1600)]
Epoch = Literal["epoch_s", "epoch_ms", "epoch_us"]
Pattern = Literal["YYYY-MM-DD", "YYYY/MM/DD", "YYYY.MM.DD", "YYYY-MM", "YYYY/MM", "YYYYMMDD", "YYYYMM"]


class Body(BaseModel):
    """Unknown fields are refused: a typo must not pass silently."""

    model_config = ConfigDict(extra="forbid")


class Request(Body):
    protocol: Literal[1]


class ColumnBody(Body):
    name: Name
    type: str = Field(max_length=300)
    not_null: bool
    comment: str | None = Field(max_length=1000)
    values: list[str] = Field(max_length=100)
    samples: list[str] = Field(default=[], max_length=10)
    stored: list[str] = Field(default=[], max_length=300)
    unique: bool = False
    form: Epoch | Pattern | None = None
    deterministic: bool = True


class ForeignKeyBody(Body):
    columns: Names
    schema_: Name = Field(alias="schema")
    table: Name
    references: Names
    score: float = Field(default=1.0, gt=0, le=1)


class FilterBody(Body):
    condition: str = Field(min_length=1, max_length=2000)
    note: str | None = Field(default=None, max_length=500)
    origin: Literal["defined", "comment"] = "defined"


class TableBody(Body):
    schema_: Name = Field(alias="schema")
    name: Name
    kind: Literal["table", "partitioned table", "view", "materialized view", "foreign table"]
    comment: str | None = Field(max_length=2000)
    columns: list[ColumnBody] = Field(max_length=1600)
    primary_key: Names
    foreign_keys: list[ForeignKeyBody] = Field(max_length=1000)
    label: list[Name] = Field(default=[], max_length=8)
    filters: list[FilterBody] = Field(default=[], max_length=20)

    def typed(self) -> guard_scope.Table:
        return guard_scope.Table(
            schema=self.schema_,
            name=self.name,
            kind=self.kind,
            comment=self.comment,
            columns=tuple(
                guard_scope.Column(
                    *(c.name, c.type, c.not_null, c.comment),
                    *(tuple(c.values), tuple(c.samples), tuple(c.stored), c.unique),
                    *(c.form, c.deterministic),
                )
                for c in self.columns
            ),
            primary_key=tuple(self.primary_key),
            foreign_keys=tuple(
                guard_scope.ForeignKey(tuple(k.columns), k.schema_, k.table, tuple(k.references), k.score)
                for k in self.foreign_keys
            ),
            label=self._label(),
            filters=tuple(guard_scope.Filter(f.condition, f.note) for f in self.filters),
        )

    def _label(self) -> tuple[str, ...]:
        """Of columns that are in scope: half a name would be none."""
        names = {column.name for column in self.columns}
        return tuple(self.label) if names.issuperset(self.label) else ()


class ScopeBody(Body):
    search_path: Names
    tables: list[TableBody] = Field(min_length=1, max_length=500)

    def typed(self, server_version: int = guard_scope.NEWEST) -> guard_scope.Scope:
        tables = tuple(table.typed() for table in self.tables)
        return guard_scope.Scope(tuple(self.search_path), tables, server_version)


class CheckScopeBody(ScopeBody):
    """A statement may read no table at all: SELECT current_date."""

    tables: list[TableBody] = Field(max_length=500)


class ExampleBody(Body):
    question: str = Field(max_length=8000)
    sql: str = Field(max_length=32_768)
    note: str | None = Field(default=None, max_length=2000)


class ValueBody(Body):
    schema_: Name = Field(alias="schema")
    table: Name
    column: Name
    value: str = Field(max_length=500)
    phrase: str = Field(max_length=500)
    complete: bool = False


class TermBody(Body):
    term: str = Field(max_length=200)
    meaning: str = Field(max_length=2000)


class RepairBody(Body):
    sql: str = Field(max_length=100_000)
    sqlstate: str = Field(max_length=5)
    message: str = Field(max_length=4000)
    hint: str = Field(max_length=4000)


class GenerateRequest(Request):
    request_id: str = Field(pattern=r"^[0-9a-f-]{36}$")
    question: str = Field(min_length=1, max_length=8000)
    today: str = Field(pattern=r"^\d{4}-\d{2}-\d{2}$")
    server_version: int = Field(ge=140_000, lt=1_000_000)
    scope: ScopeBody
    examples: list[ExampleBody] = Field(max_length=50)
    values: list[ValueBody] = Field(max_length=200)
    terms: list[TermBody] = Field(default=[], max_length=50)
    mend: bool = True
    show_prompt: bool = False
    repair: RepairBody | None
    candidates: int = Field(ge=1, le=16)
    max_tokens: int = Field(ge=16, le=4096)
    deadline_ms: int = Field(ge=1)

    def context(self) -> render.Context:
        """What the prompt is made of."""
        return render.Context(
            question=self.question,
            today=self.today,
            server_version=self.server_version,
            scope=self.scope.typed(self.server_version),
            examples=tuple(render.Example(e.question, e.sql, e.note) for e in self.examples),
            values=tuple(
                render.ValueMatch(v.schema_, v.table, v.column, v.value, v.phrase, v.complete) for v in self.values
            ),
            terms=tuple(render.Term(t.term, t.meaning) for t in self.terms),
            repair=render.Repair(**self.repair.model_dump()) if self.repair else None,
        )


class RetellRequest(Request):
    request_id: str = Field(pattern=r"^[0-9a-f-]{36}$")
    question: str = Field(min_length=1, max_length=8000)
    statements: list[Annotated[str, Field(max_length=32_768)]] = Field(min_length=1, max_length=16)
    deadline_ms: int = Field(ge=1)


class GlossRequest(Request):
    question: str = Field(min_length=1, max_length=8000)


class EmbedRequest(Request):
    texts: list[Annotated[str, Field(max_length=8000)]] = Field(min_length=1, max_length=256)


class CheckRequest(Request):
    sql: str = Field(max_length=100_000)
    scope: CheckScopeBody
    server_version: int = Field(guard_scope.NEWEST, ge=140_000, lt=1_000_000)


class ConditionRequest(Request):
    condition: str = Field(max_length=2000)
    table: TableBody
    server_version: int = Field(guard_scope.NEWEST, ge=140_000, lt=1_000_000)


class ErrorFields(BaseModel):
    sqlstate: str
    message: str
    detail: str
    hint: str


class ErrorBody(BaseModel):
    error: ErrorFields


class Answer(BaseModel):
    protocol: int = PROTOCOL


class LinkingBody(BaseModel):
    """See sidecar.linking.Linking."""

    missed: int
    unasked: int
    unread: float


class FoundFilterBody(BaseModel):
    """See sidecar.filters.holding.Found."""

    table: str
    condition: str
    state: Literal["added", "present", "asked", "unread"]
    word: str | None = None


class CandidateBody(BaseModel):
    raw: str
    sql: str | None
    tables: list[str]
    logprob: float | None
    tokens: int
    error: ErrorFields | None
    repairs: list[str]
    refined: list[str] = []
    period: str | None = None
    linking: LinkingBody | None = None
    doubts: list[str] = []
    filters: list[FoundFilterBody] = []


class MessageBody(BaseModel):
    role: str
    content: str


class Usage(BaseModel):
    prompt_tokens: int
    completion_tokens: int


class GenerateAnswer(Answer):
    request_id: str
    model: str
    candidates: list[CandidateBody]
    prompt: list[MessageBody] | None
    usage: Usage
    timings_ms: dict[str, float]
    warnings: list[str]


class RetellAnswer(Answer):
    likelihoods: list[float | None]


class WordBody(BaseModel):
    start: int
    end: int
    meanings: list[str]


class GlossAnswer(Answer):
    words: list[WordBody]


class EmbedAnswer(Answer):
    embedder: str
    dimension: int
    embeddings: list[list[float]]


class CheckAnswer(Answer):
    sql: str | None
    tables: list[str]
    error: ErrorFields | None


class ConditionAnswer(Answer):
    """The condition is what `parts` and `columns` make in turn; neither where there is an error."""

    parts: list[str]
    columns: list[str]
    error: ErrorFields | None


class HealthAnswer(Answer):
    status: Literal["ok"] = "ok"


class Component(BaseModel):
    component: str
    state: str
    detail: str
    action: str


class ReadyAnswer(Answer):
    ready: bool
    components: list[Component]


class VersionAnswer(Answer):
    version: str
    model: str
    embedder: str
