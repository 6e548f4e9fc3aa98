"""What a homeserver's answers mean for a message.

The error code counts, not the status, except where the code says nothing (Matrix specification v1.18,
client-server API, "Standard error response", 2026-07). The server's own words are not passed on: they
name users and rooms.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from fallback_cast.channels.kit.http import (
    MAX_RETRY_AFTER_S,
    Answer,
    json_body,
    raise_for_answer,
    retry_after,
)
from fallback_cast.model.errors import (
    AccessDenied,
    AddressRefused,
    MessageRefused,
    OutcomeUnknown,
    Scope,
    SendError,
    Throttled,
    Unavailable,
)


class Row(NamedTuple):
    """What an error code means. AddressRefused is for a member's room: see `result_of`."""

    error: type[SendError]
    reason: str


ROWS: Mapping[str, Row] = {
    "M_UNKNOWN_TOKEN": Row(AccessDenied, "the access token is refused"),
    "M_MISSING_TOKEN": Row(AccessDenied, "no access token arrived"),
    "M_FORBIDDEN": Row(AddressRefused, "the account may not write in this room"),
    "M_NOT_FOUND": Row(AddressRefused, "no such room"),
    "M_UNRECOGNIZED": Row(AccessDenied, "not a Matrix address: homeserver is wrong"),
    "M_BAD_JSON": Row(MessageRefused, "the message is refused"),
    "M_NOT_JSON": Row(MessageRefused, "the message is refused"),
    "M_INVALID_PARAM": Row(MessageRefused, "the message is refused"),
    "M_TOO_LARGE": Row(MessageRefused, "the message is too large"),
    "M_RESOURCE_LIMIT_EXCEEDED": Row(AccessDenied, "the homeserver has reached a limit of its own"),
    "M_USER_LIMIT_EXCEEDED": Row(AccessDenied, "the account has reached a limit"),
    "M_USER_LOCKED": Row(AccessDenied, "the account is locked"),
    "M_USER_SUSPENDED": Row(AccessDenied, "the account is suspended"),
    "M_USER_DEACTIVATED": Row(AccessDenied, "the account is deactivated"),
    "M_CONSENT_NOT_GIVEN": Row(AccessDenied, "the account has not agreed to the homeserver's terms"),
    "M_GUEST_ACCESS_FORBIDDEN": Row(AccessDenied, "the account is a guest"),
}


def result_of(response: Answer, *, of_place: bool) -> Mapping[str, Any]:
    """The JSON object of a 200. Raises one of the six SendErrors.

    `of_place`: what is refused is the room in the settings. A place is never suppressed; somebody must
    invite the account again or mend the settings.
    """
    body = json_body(response)
    code = body.get("errcode") if body else None
    if response.status_code == 200:
        if body is None or code is not None:
            raise OutcomeUnknown("the answer is not a homeserver's")
        return body
    if response.status_code == 429 or code == "M_LIMIT_EXCEEDED":
        raise Throttled("too many messages", _wait(response, body or {}))
    if isinstance(code, str):
        raise _refusal(response, code, of_place)
    raise _not_matrix(response)


def _refusal(response: Answer, code: str, of_place: bool) -> SendError:
    row = ROWS.get(code)
    if row is None:  # M_UNKNOWN and codes of no specification: the status rules
        return _by_status(response, code if code.startswith("M_") else "")
    reason = f"{code}: {row.reason}"
    if row.error is AddressRefused and of_place:
        return AccessDenied(reason, scope=Scope.PLACE)
    return row.error(reason)


def _by_status(response: Answer, code: str) -> SendError:
    status = response.status_code
    try:
        raise_for_answer(response)
    except Unavailable:
        return Unavailable(f"HTTP {status} {code}".strip())
    except SendError as error:
        return error
    return OutcomeUnknown(f"HTTP {status} with a refusal")


def _not_matrix(response: Answer) -> SendError:
    """A proxy or another server spoke. A homeserver's own errors are JSON with a code."""
    status = response.status_code
    if 400 <= status < 500 and status not in (408, 413, 420):
        return AccessDenied(f"HTTP {status}, not from a homeserver: homeserver is wrong")
    if status in (500, 503) and "retry-after" not in response.headers:
        return OutcomeUnknown(f"HTTP {status}, not from the homeserver itself")
    return _by_status(response, "")


def _wait(response: Answer, body: Mapping[str, Any]) -> float:
    """`Retry-After` first (v1.10), then the older `retry_after_ms`."""
    seconds = retry_after(response)
    if seconds is not None:
        return seconds
    said = body.get("retry_after_ms")
    if isinstance(said, (int, float)) and not isinstance(said, bool):
        return min(said / 1000, MAX_RETRY_AFTER_S)
    return 5.0
