"""One request's way through the rooms: prompt, engine, guard, repair."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import secrets
import time
from collections.abc import Sequence

from sidecar.api.schemas import (
    CandidateBody,
    CheckAnswer,
    ErrorFields,
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
from sidecar.glossary.words import gloss, with_meanings
from sidecar.guard.check import Checked, check
from sidecar.guard.scope import Scope
from sidecar.linking import Linker
from sidecar.prompt.ddl import render_schema
from sidecar.prompt.extract import before_sql, extract_sql
from sidecar.prompt.render import STOP, Context, ValueMatch, render, render_retelling
from sidecar.repair.repair import repair
from sidecar.services import Services

SAMPLING_TEMPERATURE = 0.7  # of several candidates; a single one is greedy

# What the guard refuses and repair may still put right: the name of a table, a function or a spelling of another
# database, a type's name. The guard looks at the result again.
MENDABLE = frozenset({"NL402", "NL403", "NL404", "NL405"})

# Cached prefixes are shared only among requests with the same schema part: how fast an answer begins must not tell
# what other roles may see. The key is this process's own, so that nobody can make a salt from outside.
_SALT_KEY = secrets.token_bytes(32)


async def generate(services: Services, request: GenerateRequest) -> GenerateAnswer:
    """Candidates for one question, each checked; raises SidecarError of the engine's group."""
    started = time.perf_counter()
    context = request.context()
    messages = render(context, services.prompt_family)
    prompted = time.perf_counter()
    generation = await _ask_engine(services, request, messages, context.scope)
    answered = time.perf_counter()
    # in a thread: a long question takes a moment, and others are waiting
    asked, linker = await asyncio.to_thread(_read_question, context, request.mend)
    candidates = [
        _linked(candidate(sample, context.scope, request.mend, context.values, asked), linker)
        for sample in generation.samples
    ]
    return GenerateAnswer(
        request_id=request.request_id,
        model=generation.model,
        candidates=candidates,
        prompt=[MessageBody(role=m.role, content=m.content) for m in messages] if request.show_prompt else None,
        usage=Usage(prompt_tokens=generation.prompt_tokens, completion_tokens=generation.completion_tokens),
        timings_ms={
            "prompt": _ms(started, prompted),
            "engine": round(generation.engine_ms, 1),
            "guard": _ms(answered, time.perf_counter()),
        },
        warnings=[],
    )


def _read_question(context: Context, mend: bool) -> tuple[str, Linker]:
    """What repair and linking know of the question."""
    words = gloss(context.question)
    return with_meanings(context.question, words) if mend else "", Linker(context.question, words, context.scope)


async def _ask_engine(
    services: Services, request: GenerateRequest, messages: Sequence[Message], scope: Scope
) -> Generation:
    sampling = Sampling(
        n=request.candidates,
        max_tokens=request.max_tokens,
        temperature=0.0 if request.candidates == 1 else SAMPLING_TEMPERATURE,
        stop=STOP,
        deadline=min(request.deadline_ms / 1000, services.settings.max_deadline),
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


def candidate(
    sample: Sample, scope: Scope, mend: bool = True, values: Sequence[ValueMatch] = (), question: str = ""
) -> CandidateBody:
    """A sample with the guard's verdict, and what had to be put right in it."""
    sql = extract_sql(sample.text)
    repairs: tuple[str, ...] = ()
    try:
        if sample.finish_reason == "length":
            raise _truncated(sample.tokens)
        (checked, repairs), error = _mended(sql, scope, values, question) if mend else (check(sql, scope), ()), None
    except SidecarError as refused:
        checked, error = Checked("", ()), ErrorFields(**refused.fields())
    return CandidateBody(
        raw=sql,
        sql=None if error else checked.sql,
        tables=list(checked.tables),
        logprob=sample.logprob_from(before_sql(sample.text)),
        tokens=sample.tokens,
        error=error,
        repairs=list(repairs),
    )


def _linked(found: CandidateBody, linker: Linker) -> CandidateBody:
    """The candidate with what it has of the question."""
    linking = linker.link(found.sql) if found.sql else None
    if linking is None:
        return found
    return found.model_copy(update={"linking": LinkingBody(missed=linking.missed, unasked=linking.unasked)})


def _mended(sql: str, scope: Scope, values: Sequence[ValueMatch], question: str) -> tuple[Checked, tuple[str, ...]]:
    """The statement as the guard lets it through, with every name bound where the rules can; raises as check() does."""
    try:
        checked, refused = check(sql, scope), None
    except SidecarError as error:
        if error.sqlstate not in MENDABLE:
            raise
        checked, refused = Checked(sql, ()), error
    repaired = repair(checked.sql, scope, values, question)
    try:
        if repaired.notes:
            return check(repaired.sql, scope), repaired.notes
    except SidecarError:
        pass  # a repair that the guard refuses did not happen
    if refused:
        raise refused
    return checked, ()


def check_statement(sql: str, scope: Scope) -> CheckAnswer:
    """The guard's verdict on a given statement."""
    try:
        checked = check(sql, scope)
    except SidecarError as refused:
        return CheckAnswer(sql=None, tables=[], error=ErrorFields(**refused.fields()))
    return CheckAnswer(sql=checked.sql, tables=list(checked.tables), error=None)


def _truncated(tokens: int) -> SidecarError:
    return SidecarError(
        "NL308",
        f"the answer was cut after {tokens} tokens",
        detail="Half a statement is no statement; it was dropped.",
        hint="Ask for something simpler, or raise max_tokens.",
    )


def _ms(since: float, until: float) -> float:
    return round((until - since) * 1000, 2)
