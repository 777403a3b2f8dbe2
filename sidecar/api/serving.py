"""One request's way through the rooms: prompt, engine, guard, repair."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace

from sidecar.api.schemas import (
    CandidateBody,
    CheckAnswer,
    ConditionAnswer,
    ConditionRequest,
    ErrorFields,
    FoundFilterBody,
    GenerateAnswer,
    GenerateRequest,
    LinkingBody,
    MessageBody,
    RetellAnswer,
    RetellRequest,
    Usage,
)
from sidecar.engine.base import Generation, Message, Sample, Sampling
from sidecar.errors import SidecarError
from sidecar.filters.asked import spoken_of
from sidecar.filters.definition import define
from sidecar.filters.holding import Found
from sidecar.glossary.words import Word, gloss, with_meanings
from sidecar.guard.check import MAX_BYTES, Checked, check, refuse_unreadable
from sidecar.guard.scope import Scope
from sidecar.linking import Linker
from sidecar.periods import Dated, Period, read_dated
from sidecar.prompt.ddl import render_schema
from sidecar.prompt.extract import before_sql, extract_sql
from sidecar.prompt.render import STOP, Context, ValueMatch, render, render_retelling
from sidecar.repair.dating import can_date
from sidecar.repair.quoting import Quoted, quoted
from sidecar.repair.repair import Repaired
from sidecar.rewriting import Rewriter
from sidecar.services import Services

SAMPLING_TEMPERATURE = 0.7  # of several candidates; a single one is greedy

# What the guard refuses and repair may still put right: the name of a table, a function or a spelling of another
# database, a type's name. The guard looks at the result again.
MENDABLE = frozenset({"NL402", "NL403", "NL404", "NL405"})

LONGEST = 2 * MAX_BYTES  # characters of an answer that are looked at; one that is longer is refused anyhow
SHORT = 2_000  # characters; to check so many takes a few milliseconds, whatever they are

# One at a time: several would share the interpreter's lock, and the loop would wait for each of them.
_ASIDE = ThreadPoolExecutor(max_workers=1, thread_name_prefix="guard")

UNDATED = "NL410"  # of a proposal that the question's period could not be put into

# Cached prefixes are shared only among requests with the same schema part: how fast an answer begins must not tell
# what other roles may see. The key is this process's own, so that nobody can make a salt from outside.
_SALT_KEY = secrets.token_bytes(32)


@dataclass(frozen=True)
class _Pass:
    """Once to the engine and back; times in seconds."""

    messages: list[Message]
    generation: Generation
    prompting: float
    whole: float


@dataclass(frozen=True)
class Asked:
    """What repair knows of the question: its words, and the period that it counts from today."""

    mend: bool = False  # whether anything is to be put right
    text: str = ""
    period: Period | None = None
    told: bool = True  # whether the model was told of the period
    left: tuple[Found, ...] = ()  # standing conditions whose other rows the question speaks of


NOTHING = Asked()


async def generate(services: Services, request: GenerateRequest) -> GenerateAnswer:
    """Candidates for one question, each checked; raises SidecarError of the engine's group.

    A period counted from today is left out of what the model is asked, and put into its statements. Where none of these
    says which date it is about, the model is asked with it.
    """
    started = time.perf_counter()
    words = await asyncio.to_thread(gloss, request.question)
    context, left = _filtered(request.context(), words)
    read = read_dated(context.question) if request.mend else None
    dated = read if read and _can_be_left_out(read, context) else None
    passes = [await _ask(services, request, replace(context, question=dated.rest) if dated else context)]
    # in a thread: a long question takes a moment, and others are waiting
    asked, linker = await asyncio.to_thread(_read_question, context, words, request.mend, read)
    asked = replace(asked, left=left)
    rewriter = services.rewriter
    candidates = await _candidates(passes[-1], context, rewriter, replace(asked, told=dated is None), linker)
    if _none_dated(candidates):
        passes.append(await _ask(services, request, context, time.perf_counter() - started))
        candidates = await _candidates(passes[-1], context, rewriter, asked, linker)
    shown = [MessageBody(role=m.role, content=m.content) for m in passes[-1].messages]
    return GenerateAnswer(
        request_id=request.request_id,
        model=passes[-1].generation.model,
        candidates=candidates,
        prompt=shown if request.show_prompt else None,
        usage=Usage(
            prompt_tokens=sum(each.generation.prompt_tokens for each in passes),
            completion_tokens=sum(each.generation.completion_tokens for each in passes),
        ),
        timings_ms={
            "prompt": _ms(sum(each.prompting for each in passes)),
            "engine": round(sum(each.generation.engine_ms for each in passes), 1),
            "guard": _ms(time.perf_counter() - started - sum(each.whole for each in passes)),
        },
        warnings=[],
    )


def _can_be_left_out(dated: Dated, context: Context) -> bool:
    """Whether the period can be put into a statement instead; in a round of repair it stays."""
    return context.repair is None and bool(dated.rest) and can_date(dated.period, context.scope)


def _none_dated(candidates: list[CandidateBody]) -> bool:
    errors = [candidate.error for candidate in candidates]
    return None not in errors and any(error.sqlstate == UNDATED for error in errors if error)


async def _ask(services: Services, request: GenerateRequest, context: Context, spent: float = 0.0) -> _Pass:
    """`spent`: seconds of the request's time that are gone."""
    started = time.perf_counter()
    messages = render(context, services.prompt_family)
    prompted = time.perf_counter()
    generation = await _ask_engine(services, request, messages, context.scope, spent)
    return _Pass(messages, generation, prompted - started, time.perf_counter() - started)


def _filtered(context: Context, words: Sequence[Word]) -> tuple[Context, tuple[Found, ...]]:
    """The context without standing conditions whose other rows the question speaks of, and these."""
    scope, left, tables = context.scope, list[Found](), []
    for table in scope.tables:
        spoken = {each: word for each in table.filters if (word := spoken_of(context.question, words, table, each))}
        left += [Found(table.full_name, each.condition, "asked", word) for each, word in spoken.items()]
        kept = tuple(each for each in table.filters if each not in spoken)
        tables.append(replace(table, filters=kept) if spoken else table)
    return (replace(context, scope=replace(scope, tables=tuple(tables))) if left else context), tuple(left)


def _read_question(context: Context, words: Sequence[Word], mend: bool, dated: Dated | None) -> tuple[Asked, Linker]:
    """What repair and linking know of the question."""
    linker = Linker(context.question, words, context.scope)
    if not mend:
        return NOTHING, linker
    return Asked(True, with_meanings(context.question, words), dated.period if dated else None), linker


async def _candidates(
    done: _Pass, context: Context, rewriter: Rewriter | None, asked: Asked, linker: Linker
) -> list[CandidateBody]:
    """The samples with the guard's verdicts, put right by the rewriter if there is one, and linked."""
    found = await asyncio.gather(
        *(candidate(sample, context.scope, rewriter, context.values, asked) for sample in done.generation.samples)
    )
    return [_linked(each, linker) for each in found]


async def _ask_engine(
    services: Services, request: GenerateRequest, messages: Sequence[Message], scope: Scope, spent: float
) -> Generation:
    sampling = Sampling(
        n=request.candidates,
        max_tokens=request.max_tokens,
        temperature=0.0 if request.candidates == 1 else SAMPLING_TEMPERATURE,
        stop=STOP,
        deadline=min(request.deadline_ms / 1000, services.settings.max_deadline) - spent,
        cache_salt=_salt(scope),
    )
    return await services.engine.generate(messages, sampling)


async def retell(services: Services, request: RetellRequest) -> RetellAnswer:
    """How likely the question is as what each statement answers; raises SidecarError of the engine's group."""
    prompts = [render_retelling(sql, services.prompt_family) for sql in request.statements]
    deadline = min(request.deadline_ms / 1000, services.settings.max_deadline)
    return RetellAnswer(likelihoods=await services.engine.likelihoods(prompts, request.question, deadline))


def _salt(scope: Scope) -> str:
    return hmac.new(_SALT_KEY, render_schema(scope).encode(), hashlib.sha256).hexdigest()[:32]


async def candidate(
    sample: Sample,
    scope: Scope,
    rewriter: Rewriter | None = None,
    values: Sequence[ValueMatch] = (),
    question: Asked = NOTHING,
) -> CandidateBody:
    """A sample with the guard's verdict, what had to be put right in it, and where it has the question's period."""
    sql = extract_sql(sample.text[:LONGEST])
    repaired, error = Repaired(""), None
    checked, filters = Checked("", ()), list[Found]()
    try:
        refuse_unreadable(sample.text)
        if sample.finish_reason == "length":
            raise _truncated(sample.tokens)
        if rewriter and question.mend:
            checked, repaired = await _mended(sql, scope, rewriter, values, question)
        else:
            checked = await checked_aside(sql, scope)
        if rewriter:
            checked, held = await _held(checked, scope, rewriter, question.text)
            filters = [*held, *(each for each in question.left if each.table in checked.tables)]
    except SidecarError as refused:
        error = ErrorFields(**refused.fields())
    return CandidateBody(
        raw=sql,
        sql=None if error else checked.sql,
        tables=list(checked.tables),
        logprob=sample.logprob_from(before_sql(sample.text)),
        tokens=sample.tokens,
        error=error,
        repairs=list(repaired.notes),
        refined=list(repaired.refined),
        period=repaired.period.condition if repaired.period else None,
        doubts=list(repaired.doubts),
        filters=[FoundFilterBody(**vars(each)) for each in filters],
    )


def _linked(found: CandidateBody, linker: Linker) -> CandidateBody:
    """The candidate with what it has of the question."""
    linking = linker.link(found.sql) if found.sql else None
    if linking is None:
        return found
    return found.model_copy(update={"linking": LinkingBody(**asdict(linking))})


async def _mended(
    given: str, scope: Scope, rewriter: Rewriter, values: Sequence[ValueMatch], question: Asked
) -> tuple[Checked, Repaired]:
    """The statement as the guard lets it through, with every name bound where the rules can; raises as check() does."""
    spelt = await _quoted_aside(given, scope)
    sql = spelt.sql
    try:
        checked, refused = await checked_aside(sql, scope), None
    except SidecarError as error:
        if error.sqlstate not in MENDABLE:
            raise
        checked, refused = Checked(sql, ()), error
    repaired = await rewriter.repair(
        sql, scope, values, question.text, question.period, question.told, refused=refused is not None
    )
    if repaired.sql != sql:
        try:
            checked, refused = await checked_aside(repaired.sql, scope), None
        except SidecarError:
            repaired = Repaired(sql)  # a repair that the guard refuses did not happen
    if refused:
        raise refused
    if not question.told and not repaired.period:
        raise _undated()
    return checked, replace(repaired, refined=spelt.notes + repaired.refined)


async def _quoted_aside(sql: str, scope: Scope) -> Quoted:
    """As quoted(); a long statement in a thread, as for check()."""
    if len(sql) <= SHORT:
        return quoted(sql, scope)
    return await asyncio.get_running_loop().run_in_executor(_ASIDE, quoted, sql, scope)


async def _held(checked: Checked, scope: Scope, rewriter: Rewriter, question: str) -> tuple[Checked, tuple[Found, ...]]:
    """The statement with the standing conditions of its tables, whatever else is to be put right in it or not."""
    held = await rewriter.hold(checked.sql, scope, checked.tables, question)
    if held.sql == checked.sql:
        return checked, held.found
    try:
        return await checked_aside(held.sql, scope), held.found
    except SidecarError:
        return checked, tuple(replace(each, state="unread") for each in held.found)


async def checked_aside(sql: str, scope: Scope) -> Checked:
    """As check(); a long statement in a thread, so that nobody waits for it."""
    if len(sql) <= SHORT:
        return check(sql, scope)
    return await asyncio.get_running_loop().run_in_executor(_ASIDE, check, sql, scope)


async def check_statement(sql: str, scope: Scope) -> CheckAnswer:
    """The guard's verdict on a given statement."""
    try:
        checked = await checked_aside(sql, scope)
    except SidecarError as refused:
        return CheckAnswer(sql=None, tables=[], error=ErrorFields(**refused.fields()))
    return CheckAnswer(sql=checked.sql, tables=list(checked.tables), error=None)


def read_condition(request: ConditionRequest) -> ConditionAnswer:
    """A standing condition in its one spelling, or why it can be none."""
    try:
        found = define(request.condition, request.table.typed(), request.server_version)
    except SidecarError as refused:
        return ConditionAnswer(parts=[], columns=[], error=ErrorFields(**refused.fields()))
    return ConditionAnswer(parts=list(found.parts), columns=list(found.columns), error=None)


def _truncated(tokens: int) -> SidecarError:
    return SidecarError(
        "NL308",
        f"the answer was cut after {tokens} tokens",
        detail="Half a statement is no statement; it was dropped.",
        hint="Ask for something simpler, or raise max_tokens.",
    )


def _undated() -> SidecarError:
    return SidecarError(
        UNDATED,
        "the proposal does not say which date the question's period is about",
        detail="The period was not put anywhere; the proposal was dropped.",
        hint="Name the date in the question, such as: by order date.",
    )


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 2)
