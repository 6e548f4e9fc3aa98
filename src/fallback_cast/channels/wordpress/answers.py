"""What WordPress's answers mean for a post.

Errors are `{code, message, data.status}` (https://developer.wordpress.org/rest-api/, 2026-11; the codes were
seen with WordPress 6.1). WordPress's own words are not passed on: they name people and posts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from fallback_cast.channels.kit.http import MAX_ANSWER_BYTES, Answer, raise_for_answer
from fallback_cast.model.errors import (
    AccessDenied,
    MessageRefused,
    OutcomeUnknown,
    SendError,
    Throttled,
    Unavailable,
)


class Row(NamedTuple):
    """What an error code means."""

    error: type[AccessDenied | MessageRefused | Unavailable]
    reason: str

    def as_error(self) -> SendError:
        return self.error(self.reason)


_PASSWORD = Row(AccessDenied, "WordPress refuses the user name or the application password")
# WordPress 6.1 takes a wrong password for none, unless a plug-in has asked earlier who calls.
_STRANGER = Row(
    AccessDenied,
    "WordPress does not know the account: user name or application password are wrong, or the web server "
    "holds them back",
)
_RIGHTS = Row(AccessDenied, "the account may not publish posts: it needs the role Author or Editor")
_GONE = Row(MessageRefused, "the post is gone")

ROWS: Mapping[str, Row] = {
    "incorrect_password": _PASSWORD,
    "invalid_username": _PASSWORD,
    "invalid_email": _PASSWORD,
    "application_passwords_disabled": Row(AccessDenied, "WordPress takes no application passwords here"),
    "application_passwords_disabled_for_user": Row(
        AccessDenied, "WordPress takes no application passwords of this account"
    ),
    "rest_not_logged_in": _STRANGER,
    "rest_cannot_create": _RIGHTS,
    "rest_cannot_publish": _RIGHTS,
    "rest_cannot_edit": _RIGHTS,
    "rest_cannot_edit_others": _RIGHTS,
    "rest_forbidden": _RIGHTS,
    "rest_forbidden_context": _RIGHTS,
    "rest_forbidden_status": _RIGHTS,
    "rest_cannot_assign_term": Row(AccessDenied, "the account may not use one of the categories"),
    "rest_no_route": Row(AccessDenied, "no WordPress posts at this address: url is wrong"),
    "rest_post_invalid_id": _GONE,
    "rest_invalid_param": Row(MessageRefused, "WordPress refuses the post"),
    "empty_content": Row(MessageRefused, "WordPress refuses the post"),
    "db_insert_error": Row(Unavailable, "WordPress could not store the post"),
    "db_update_error": Row(Unavailable, "WordPress could not store the post"),
}


def looked_up(response: Answer) -> Any:
    """The JSON of a read. Whatever a read ends with, it has changed nothing: never OutcomeUnknown."""
    try:
        value = _json_of(response)
    except OutcomeUnknown as error:
        raise Unavailable(error.reason) from None
    except MessageRefused as error:  # no text of ours was in it: what is refused is our asking
        if response.status_code == 400:
            raise _stranger_or_rights(_refused_by(_parsed(response))).as_error() from None
        raise Unavailable(error.reason) from None  # firewalls forget us again
    return value


def written(response: Answer) -> Mapping[str, Any]:
    """The post that WordPress wrote. Raises one of the six SendErrors."""
    value = _json_of(response)
    if not isinstance(value, dict) or not isinstance(value.get("id"), int):
        raise OutcomeUnknown("the answer names no post")
    return value


def _json_of(response: Answer) -> Any:
    status, value = response.status_code, _parsed(response)
    if 200 <= status < 300:
        if value is None:
            raise OutcomeUnknown("the answer is not WordPress's")
        return value
    code = value.get("code") if isinstance(value, dict) else None
    raise _refusal(response, code) if isinstance(code, str) else _not_wordpress(response)


def _refusal(response: Answer, code: str) -> SendError:
    row = ROWS.get(code)
    if row is _RIGHTS:
        row = _stranger_or_rights(response.status_code)
    return row.as_error() if row is not None else _by_status(response)


def _stranger_or_rights(status: int) -> Row:
    """WordPress answers 401 to nobody, 403 to somebody who may not."""
    return _STRANGER if status == 401 else _RIGHTS


def _refused_by(value: Any) -> int:
    """The status inside a `rest_invalid_param`: asking for drafts is refused like this, before all else."""
    try:
        return int(value["data"]["details"]["status"]["data"]["status"])
    except (KeyError, TypeError, ValueError):
        return 403


def _by_status(response: Answer) -> SendError:
    """A code that we do not know. A plug-in may have died after the post was stored, so a 5xx is no word
    that nothing happened; a site under maintenance does nothing at all.
    """
    try:
        raise_for_answer(response)
    except Throttled as error:
        if response.status_code == 503:
            return Unavailable("WordPress is under maintenance")
        return error
    except Unavailable as error:
        return OutcomeUnknown(error.reason)
    except SendError as error:
        return error
    return OutcomeUnknown(f"HTTP {response.status_code} with a refusal")


def _not_wordpress(response: Answer) -> SendError:
    """The web server, a firewall or a proxy spoke."""
    status = response.status_code
    if status in (403, 406, 418):
        return MessageRefused(f"HTTP {status}, not from WordPress: a firewall refuses it")
    if 300 <= status < 400:
        return AccessDenied(f"HTTP {status}: url is not where WordPress is, it sends us elsewhere")
    if status in (404, 405, 410):
        return AccessDenied(f"HTTP {status}, not from WordPress: url is wrong, or its permalinks are plain")
    return _by_status(response)


def _parsed(response: Answer) -> Any:
    if len(response.content) > MAX_ANSWER_BYTES:
        return None
    try:
        return json.loads(response.content.lstrip(b"\xef\xbb\xbf \r\n"))
    except (ValueError, RecursionError):
        return None
