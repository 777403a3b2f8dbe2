"""POST /v1/gloss: a question in, what its Chinese words mean in English out."""

from __future__ import annotations

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool

from sidecar.api.deps import while_connected
from sidecar.api.schemas import ErrorBody, GlossAnswer, GlossRequest, WordBody
from sidecar.glossary.words import gloss as gloss_words

MOST_MEANINGS = 6  # of a word; later ones are rare

router = APIRouter()


@router.post("/v1/gloss", responses={400: {"model": ErrorBody}})
async def gloss(body: GlossRequest, request: Request) -> GlossAnswer:
    """Look up the words of a question; none for one without Chinese."""
    # in a thread: the first one may have to wait until the dictionary is read
    words = await while_connected(request, run_in_threadpool(gloss_words, body.question))
    request.state.log |= {"words": len(words)}
    shown = [WordBody(start=w.start, end=w.end, meanings=list(w.meanings[:MOST_MEANINGS])) for w in words]
    return GlossAnswer(words=shown)
