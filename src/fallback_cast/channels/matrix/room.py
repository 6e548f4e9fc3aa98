"""What a room's state says about a message of ours, read without writing anything.

https://spec.matrix.org/v1.18/client-server-api/#mroompower_levels and #mroomencryption (2026-07).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from fallback_cast.channels.kit.http import HttpClient
from fallback_cast.channels.matrix.answers import result_of
from fallback_cast.model.errors import AccessDenied, AddressRefused, Scope

API = "/_matrix/client/v3"
State = Mapping[str, Any]


async def is_encrypted(client: HttpClient, room: str) -> bool:
    return await _state(client, room, "m.room.encryption") is not None


async def is_joined(client: HttpClient, room: str, user: str) -> bool:
    """Asked for itself: who has left may go on reading the state as it was."""
    member = await _state(client, room, f"m.room.member/{quote(user, safe='')}")
    return member is not None and member.get("membership") == "join"


async def may_write(client: HttpClient, room: str, user: str) -> bool:
    """Whether the user's power suffices for `m.room.message`; in read-only rooms few have it."""
    levels = await _state(client, room, "m.room.power_levels")
    if levels is None:  # everybody may write until somebody says otherwise
        return True
    needed = _level(levels.get("events"), "m.room.message", levels.get("events_default"))
    if _level(levels.get("users"), user, levels.get("users_default")) >= needed:
        return True
    # Since room version 12 the creators stand above all levels and are not listed there.
    create = await _state(client, room, "m.room.create", "?format=event") or {}
    content = create.get("content")
    additional = content.get("additional_creators") if isinstance(content, dict) else None
    creators = (create.get("sender"), *(additional if isinstance(additional, list) else ()))
    return ":" not in room and user in creators  # ids of older versions name a server


async def _state(client: HttpClient, room: str, kind: str, query: str = "") -> State | None:
    """The content of a state event, or None if there is none. Raises AccessDenied if we are not in."""
    path = f"{API}/rooms/{quote(room, safe='')}/state/{kind}{query}"
    try:
        return result_of(await client.request("GET", path), of_place=False)
    except AddressRefused as refused:
        if refused.reason.startswith("M_NOT_FOUND"):
            return None
        raise AccessDenied(refused.reason, scope=Scope.PLACE) from None


def _level(levels: object, name: str, default: object) -> int:
    value = levels.get(name, default) if isinstance(levels, dict) else default
    try:
        return int(str(value))  # old rooms hold texts
    except ValueError:
        return 0
