"""Why a request is refused: a status and one sentence, never what was in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException


class Problem(BaseModel):
    """Why not, in one sentence (RFC 9457 names the fields)."""

    title: str
    status: int


def described(**why: str) -> dict[int | str, dict[str, Any]]:
    """For OpenAPI: the refusals of an address, `_401="who is asking is not known"` and so on."""
    content = {"application/problem+json": {"schema": Problem.model_json_schema()}}
    return {int(name[1:]): {"description": text, "content": content} for name, text in why.items()}


class Refused(Exception):
    """The answer to a request that we do not take."""

    def __init__(self, status: int, title: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(title)
        self.status, self.title, self.headers = status, title, headers or {}


def refusal_response(error: Refused) -> JSONResponse:
    problem = Problem(title=error.title, status=error.status)
    return JSONResponse(
        problem.model_dump(), error.status, error.headers, media_type="application/problem+json"
    )


async def answer_refusal(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Refused)
    return refusal_response(error)


async def answer_http_fault(_: Request, error: Exception) -> JSONResponse:
    """What the framework itself refuses: an unknown address, another method."""
    assert isinstance(error, HTTPException)
    return refusal_response(Refused(error.status_code, str(error.detail), dict(error.headers or {})))


async def answer_bad_input(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    return refusal_response(Refused(400, what_is_wrong(error.errors())))


def what_is_wrong(errors: Sequence[Any]) -> str:
    """Names the first key and its rule; the value is the sender's business."""
    first = errors[0]
    where = ".".join(str(part) for part in first["loc"] if part != "body")
    return f"{where}: {first['msg']}" if where else str(first["msg"])
