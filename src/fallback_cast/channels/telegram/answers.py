"""What the Bot API's answers mean for a message.

Descriptions as in the server's own source, github.com/tdlib/telegram-bot-api, Client.cpp, 2026-07.
Only our own words become the error's reason: Telegram's may quote the message.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

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
)


@dataclass(frozen=True, slots=True)
class Row:
    """One answer: its status, what its description contains (lower case; empty: anything), its meaning."""

    status: int
    fragment: str
    error: type[SendError]
    reason: str
    scope: Scope | None = None


class NotModified(MessageRefused):
    """An edit says what stands there already."""


# The first row that fits counts. A migrated group is not here: it is known by its parameter.
ROWS = (
    Row(400, "message is not modified", NotModified, "the message says so already"),
    Row(400, "message to edit not found", MessageRefused, "the message is gone"),
    Row(400, "message can't be edited", MessageRefused, "the message cannot be edited any more"),
    Row(400, "message_id_invalid", MessageRefused, "the message is gone"),
    Row(400, "chat not found", AddressRefused, "chat not found"),
    Row(400, "chat_id is empty", AddressRefused, "chat not found"),
    Row(400, "peer_id_invalid", AddressRefused, "chat not found"),
    Row(400, "message thread not found", AccessDenied, "the topic of the chat does not exist", Scope.PLACE),
    Row(400, "topic_closed", AccessDenied, "the topic of the chat is closed", Scope.PLACE),
    Row(400, "can't parse entities", MessageRefused, "the markup is refused"),
    Row(400, "message is too long", MessageRefused, "the message is too long"),
    Row(400, "message text is empty", MessageRefused, "the message is empty"),
    Row(400, "not enough rights", AccessDenied, "the bot may not write in this chat", Scope.PLACE),
    Row(400, "have no rights", AccessDenied, "the bot may not write in this chat", Scope.PLACE),
    Row(400, "need administrator rights", AccessDenied, "the bot is no administrator here", Scope.PLACE),
    Row(400, "", MessageRefused, "bad request"),
    Row(401, "", AccessDenied, "the bot token is refused"),
    Row(403, "bot was blocked by the user", AddressRefused, "the person has blocked the bot"),
    Row(403, "user is deactivated", AddressRefused, "the account is deleted"),
    Row(403, "bot was kicked", AddressRefused, "the bot was removed from the chat"),
    Row(403, "bot is not a member", AddressRefused, "the bot is not in the chat"),
    Row(403, "group chat was deleted", AddressRefused, "the group is deleted"),
    Row(403, "can't initiate conversation", AddressRefused, "the person has not started the bot"),
    Row(403, "", AddressRefused, "the bot may not write here"),
    Row(404, "", AccessDenied, "no such bot or method: token or base_url is wrong"),
    Row(409, "", AccessDenied, "another program uses this bot"),
    Row(413, "", MessageRefused, "the message is too large"),
    Row(421, "", AccessDenied, "this server is not for this bot"),
    # The server ends running queries so when it restarts: what became of ours is not said.
    Row(500, "", OutcomeUnknown, "internal error"),
)

# The server answers 400 where Telegram's own word was a 403 in capitals (CHAT_WRITE_FORBIDDEN).
_CAPITALS = re.compile(r"(?:Bad Request: )?[A-Z][A-Z0-9_]+")


def result_of(response: Answer, *, of_place: bool) -> Mapping[str, Any]:
    """The `result` object of an answer. Raises one of the six SendErrors.

    `of_place`: what is refused is the chat in the settings. A place is never suppressed; somebody
    must mend the settings or let the bot in again.
    """
    body = json_body(response)
    if body is None or not isinstance(body.get("ok"), bool):
        raise _not_telegram(response)
    if body["ok"]:
        result = body.get("result")
        if response.status_code == 200 and isinstance(result, dict):
            return result
        raise OutcomeUnknown("the answer is not what Telegram says")
    raise _refusal(response, body, of_place)


def _not_telegram(response: Answer) -> SendError:
    """A front-end, a proxy or another server spoke: it knows nothing of messages."""
    status = response.status_code
    if 200 <= status < 300:
        return OutcomeUnknown("the answer is not Telegram's")
    if 400 <= status < 500 and status not in (408, 420, 429):
        return AccessDenied(f"HTTP {status}, not from the Bot API: base_url is wrong")
    try:
        raise_for_answer(response)
    except SendError as error:
        return error
    return OutcomeUnknown(f"HTTP {status}")


def _refusal(response: Answer, body: Mapping[str, Any], of_place: bool) -> SendError:
    status, description = response.status_code, str(body.get("description", ""))
    parameters = body.get("parameters")
    parameters = parameters if isinstance(parameters, dict) else {}
    if status == 429:
        return Throttled("too many requests", _wait(response, parameters))
    moved_to = parameters.get("migrate_to_chat_id")
    if isinstance(moved_to, int):
        scope = Scope.PLACE if of_place else None
        return AddressRefused("the group has become a supergroup", moved_to=str(moved_to), scope=scope)
    row = _row(status, description)
    if row is None:
        return _other(response)
    if row.error is AddressRefused and of_place:
        return AccessDenied(f"HTTP {status}: {row.reason}", scope=Scope.PLACE)
    return row.error(f"HTTP {status}: {row.reason}", scope=row.scope)


def _row(status: int, description: str) -> Row | None:
    lower = description.lower()
    row = next((row for row in ROWS if row.status == status and row.fragment in lower), None)
    if row is not None and status == 400 and not row.fragment and _CAPITALS.fullmatch(description):
        return Row(400, "", AccessDenied, "the bot may not do this here", Scope.PLACE)
    return row


def _wait(response: Answer, parameters: Mapping[str, Any]) -> float:
    said = parameters.get("retry_after")
    if isinstance(said, (int, float)) and not isinstance(said, bool):
        return min(float(said), MAX_RETRY_AFTER_S)
    return retry_after(response) or 5.0


def _other(response: Answer) -> SendError:
    try:
        raise_for_answer(response)
    except SendError as error:
        return error
    return OutcomeUnknown(f"HTTP {response.status_code} with a refusal")
