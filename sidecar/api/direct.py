"""Routes from bytes to an answer without the framework's steps in between, for what each statement calls."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError

from sidecar.api.deps import get_services
from sidecar.services import Services

B = TypeVar("B", bound=BaseModel)


def direct(model: type[B], work: Callable[[B, Request, Services], Awaitable[BaseModel]]) -> type[APIRoute]:
    """A route class: `work` gets the body as `model`, checked as the framework would; what it returns is the answer."""

    async def handle(request: Request) -> Response:
        try:
            body = model.model_validate_json(await request.body())
        except ValidationError as error:
            found = [{**problem, "loc": ("body", *problem["loc"])} for problem in error.errors()]
            raise RequestValidationError(found) from None
        answer = await work(body, request, get_services(request))
        return Response(answer.model_dump_json(), media_type="application/json")

    class Direct(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            return handle

    return Direct
