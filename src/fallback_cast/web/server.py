"""The addresses of `serve`, and what each answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import FastAPI, Header, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from fallback_cast.ledger.open import check_writable
from fallback_cast.model.errors import LedgerError
from fallback_cast.model.secret import Secret
from fallback_cast.settings.models import WebhookSettings
from fallback_cast.web.answers import add_answers
from fallback_cast.web.bounds import Bounded
from fallback_cast.web.front import FrontDesk
from fallback_cast.web.inlets import read_call
from fallback_cast.web.inlets.call import check_bearer
from fallback_cast.web.refusals import Refused, answer_bad_input, answer_http_fault, answer_refusal, described
from fallback_cast.web.wanted import Taken, Wanted

_READING = described(
    _400="the request is not as described",
    _401="the signature or the token is not good",
    _404="there is no such thing",
    _408="the body took too long",
    _413="the body is too large",
)
_WRITING = _READING | described(
    _409="the same id or key was used for another text",
    _429="the webhook has announced enough for today",
    _503="nothing can be stored now",
)
_SIGNED_JSON = {
    "requestBody": {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}
}
Key = Annotated[str | None, Header(alias="Idempotency-Key", max_length=200)]


def build(front: FrontDesk, token: Secret | None, webhooks: Mapping[str, WebhookSettings]) -> FastAPI:
    """The ASGI application. It holds no state of its own: the ledger does."""
    web = FastAPI(
        title="fallback-cast",
        docs_url=None,
        redoc_url=None,
        openapi_url="/openapi.json",
        redirect_slashes=False,
    )
    web.add_middleware(Bounded)
    web.add_exception_handler(Refused, answer_refusal)
    web.add_exception_handler(HTTPException, answer_http_fault)
    web.add_exception_handler(RequestValidationError, answer_bad_input)
    _add_hooks(web, front, webhooks)
    _add_programs(web, front, token)
    _add_signs_of_life(web, front)
    add_answers(web, front, front.app.signer)
    _describe(web)
    return web


def _describe(web: FastAPI) -> None:
    """FastAPI describes a 422 of its own, which is a 400 here."""
    for path in web.openapi()["paths"].values():
        for operation in path.values():
            operation["responses"].pop("422", None)


def _add_hooks(web: FastAPI, front: FrontDesk, webhooks: Mapping[str, WebhookSettings]) -> None:
    @web.post(
        "/hooks/{name}",
        status_code=202,
        response_model=Taken,
        responses=_WRITING | {200: {"model": Taken}},
        openapi_extra=_SIGNED_JSON,
    )
    async def hook(name: str, request: Request) -> JSONResponse:
        """A signed call of a program that the settings name."""
        webhook = webhooks.get(name)
        if webhook is None:
            raise Refused(404, "there is no such webhook")
        call = read_call(webhook, request.headers, await request.body())
        return _answer(*await front.hook(webhook, call))


def _add_programs(web: FastAPI, front: FrontDesk, token: Secret | None) -> None:
    def check_token(request: Request) -> None:
        if token is None:
            raise Refused(404, "[serve] token is not set: there is no interface for programs")
        check_bearer(token, request.headers)

    @web.post(
        "/v1/announcements",
        status_code=202,
        response_model=Taken,
        responses=_WRITING | {200: {"model": Taken}},
    )
    async def announce(request: Request, wanted: Wanted, key: Key = None) -> JSONResponse:
        """Announce something, with the bearer token of the settings."""
        check_token(request)
        return _answer(*await front.program(wanted, key))

    @web.get("/v1/announcements/{id}", responses=_READING)
    async def status(id: str, request: Request) -> dict[str, Any]:
        """Where it stands: the object of `status --json`."""
        check_token(request)
        found = await front.status(id)
        if found is None:
            raise Refused(404, "there is no such announcement")
        return found


def _add_signs_of_life(web: FastAPI, front: FrontDesk) -> None:
    @web.get("/healthz")
    async def healthz() -> dict[str, str]:
        """This process lives."""
        return {"status": "ok"}

    @web.get("/readyz", responses=described(_503="the ledger cannot be written"))
    async def readyz() -> dict[str, str]:
        """The ledger can be written: announcements are taken."""
        try:
            await front.desk.run(check_writable)
        except LedgerError:
            raise Refused(503, "the ledger cannot be written") from None
        return {"status": "ok"}


def _answer(status: int, taken: Taken) -> JSONResponse:
    return JSONResponse(taken.model_dump(), status)
