"""The announcement that every load sends, so that all carry the same bytes."""

from __future__ import annotations

from typing import Any

TITLE = "Saturday's contest is cancelled"
BODY = (
    "The pitch is under water after **two days of rain**.\n\n"
    "The contest is moved to the following Saturday at the usual hour. Those who were to bring tables "
    "please tell the committee whether they can do so then.\n"
)
SENDER = "club@example.org"


def telegram_body(chat: int) -> dict[str, Any]:
    """A `sendMessage` as our channel writes it."""
    return {
        "chat_id": chat,
        "text": f"<b>{TITLE}</b>\n\n{BODY}",
        "parse_mode": "HTML",
        "link_preview_options": {"is_disabled": True},
        "disable_notification": False,
    }


def address(number: int) -> str:
    return f"member{number}@example.org"
