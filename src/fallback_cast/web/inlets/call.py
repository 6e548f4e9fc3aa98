"""A genuine call, and what inlets have in common."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass

from fallback_cast.model.secret import Secret
from fallback_cast.web.refusals import Refused
from fallback_cast.web.wanted import Wanted

KEY_LENGTH = 200

_MARKS = re.compile(r"([\\`*_\[\]<>#|~&])")
_LINE_MARKS = re.compile(r"^(\s*)(\d*)([-+=.)])", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Call:
    """The same `key` again is the same call. Of some calls nothing is `wanted`: a ping, a test."""

    key: str
    wanted: Wanted | None


def check_bearer(token: Secret | None, headers: Mapping[str, str]) -> None:
    """Raises Refused unless the caller knows the token (RFC 6750)."""
    scheme, _, given = headers.get("authorization", "").partition(" ")
    known = token is not None and hmac.compare_digest(given.strip().encode(), token.reveal().encode())
    if scheme.lower() != "bearer" or not known:
        raise Refused(401, "a bearer token is wanted", {"WWW-Authenticate": "Bearer"})


def as_markdown(text: str) -> str:
    """Markdown that reads as this text, whatever signs are in it."""
    return _LINE_MARKS.sub(r"\1\2\\\3", _MARKS.sub(r"\\\1", text))
