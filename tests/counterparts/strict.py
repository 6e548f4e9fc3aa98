"""Bodies read as strictly as a good server does: no key twice, none that it does not know."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from tests.counterparts.http_faults import Request


class BadBody(Exception):
    """The words say what is wrong with the body."""


def form_of(request: Request, allowed: frozenset[str]) -> dict[str, str]:
    if request.headers.get("content-type") != "application/x-www-form-urlencoded":
        raise BadBody("not a form")
    return _checked(parse_qsl(request.body.decode("ascii"), True, True), allowed)


def json_of(request: Request, fields: Mapping[str, type]) -> dict[str, Any]:
    """Every value has exactly the type that is given for it."""
    if request.headers.get("content-type") != "application/json":
        raise BadBody("not JSON")
    body = json.loads(request.body, object_pairs_hook=lambda pairs: _checked(pairs, frozenset(fields)))
    for name, value in body.items():
        if type(value) is not fields[name]:
            raise BadBody(f"{name} is no {fields[name].__name__}")
    return dict(body)


def _checked(pairs: list[tuple[str, Any]], allowed: frozenset[str]) -> dict[str, Any]:
    names = [name for name, _ in pairs]
    if len(set(names)) < len(names):
        raise BadBody("a field stands twice")
    if unknown := sorted(set(names) - allowed):
        raise BadBody(f"unknown field {unknown[0]}")
    return dict(pairs)


def logged_in(request: Request, username: str, password: str) -> bool:
    """HTTP Basic (RFC 7617)."""
    login = base64.b64encode(f"{username}:{password}".encode()).decode()
    return request.headers.get("authorization") == f"Basic {login}"
