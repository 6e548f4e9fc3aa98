"""A strict Bot API: what Telegram refuses is refused here, in its words.

Rules of https://core.telegram.org/bots/api and the texts of github.com/tdlib/telegram-bot-api (2026-07).
"""

from __future__ import annotations

import html
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.counterparts import http_faults as http

TOKEN = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"
BOT_ID = 110201543
TAGS = frozenset(
    {"b", "strong", "i", "em", "u", "ins", "s", "strike", "del", "a", "code", "pre", "blockquote"}
)
MAX_CHARACTERS = 4096


@dataclass
class Chat:
    id: int
    type: str  # private | group | supergroup | channel
    name: str | None = None
    member: Mapping[str, Any] = field(default_factory=lambda: {"status": "member"})
    refuses: tuple[int, str] | None = None  # status and description of every sendMessage
    moved_to: int | None = None
    topics: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Sent:
    chat: int
    text: str  # as read, markup taken away
    body: Mapping[str, Any]


class Refused(Exception):
    def __init__(self, status: int, description: str, **parameters: int) -> None:
        super().__init__(description)
        self.status, self.description, self.parameters = status, description, parameters


class Telegram:
    """Use an instance as the script of an `HttpFaults`."""

    def __init__(self, *chats: Chat) -> None:
        self.chats = list(chats)
        self.sent: list[Sent] = []
        self.throttled_for: int | None = None
        self.keep_alive = True

    def __call__(self, request: http.Request) -> http.Action:
        try:
            answer = {"ok": True, "result": self._result(request)}
            return http.reply(json=answer, keep_alive=self.keep_alive)
        except Refused as refused:
            body = {"ok": False, "error_code": refused.status, "description": refused.description}
            headers = {}
            if refused.parameters:
                body["parameters"] = refused.parameters
            if "retry_after" in refused.parameters:
                headers["Retry-After"] = str(refused.parameters["retry_after"])
            return http.reply(refused.status, json=body, headers=headers)

    def _result(self, request: http.Request) -> Any:
        path = re.fullmatch(r"/bot([^/]+)/(\w+)", request.path)
        if path is None:
            raise Refused(404, "Not Found")
        if path[1] != TOKEN:
            raise Refused(401, "Unauthorized")
        if request.headers.get("content-type") != "application/json":
            raise Refused(400, "Bad Request: this emulator takes JSON only")
        methods = {
            "getme": self._get_me,
            "getchat": self._get_chat,
            "getchatmember": self._get_member,
            "sendmessage": self._send,
            "editmessagetext": self._edit,
        }
        method = methods.get(path[2].lower())
        if method is None:
            raise Refused(404, "Not Found: method not found")
        return method(request.json())

    def _get_me(self, body: Mapping[str, Any]) -> Any:
        return {"id": BOT_ID, "is_bot": True, "first_name": "Club", "username": "sainteanne_bot"}

    def _get_chat(self, body: Mapping[str, Any]) -> Any:
        chat = self._chat(body)
        return {"id": chat.id, "type": chat.type}

    def _get_member(self, body: Mapping[str, Any]) -> Any:
        if _typed(body, "user_id", int) != BOT_ID:
            raise Refused(400, "Bad Request: user not found")
        return {"user": self._get_me(body), **self._chat(body).member}

    def _send(self, body: Mapping[str, Any]) -> Any:
        text = read(_typed(body, "text", str), _typed(body, "parse_mode", str))
        _typed(body, "disable_notification", bool)
        _check_preview(_typed(body, "link_preview_options", dict))
        chat = self._chat(body)
        self._check_may_send(chat, body)
        self.sent.append(Sent(chat.id, text, body))
        return {
            "message_id": len(self.sent),
            "date": int(time.time()),
            "chat": {"id": chat.id, "type": chat.type},
            "text": text,
        }

    def _edit(self, body: Mapping[str, Any]) -> Any:
        text = read(_typed(body, "text", str), _typed(body, "parse_mode", str))
        _check_preview(_typed(body, "link_preview_options", dict))
        chat, number = self._chat(body), _typed(body, "message_id", int)
        self._check_may_send(chat, body)
        if not 0 < number <= len(self.sent) or self.sent[number - 1].chat != chat.id:
            raise Refused(400, "Bad Request: message to edit not found")
        if self.sent[number - 1].text == text:
            raise Refused(
                400,
                "Bad Request: message is not modified: specified new message content and reply markup are "
                "exactly the same as a current content and reply markup of the message",
            )
        self.sent[number - 1] = Sent(chat.id, text, body)
        return {"message_id": number, "chat": {"id": chat.id, "type": chat.type}, "text": text}

    def _check_may_send(self, chat: Chat, body: Mapping[str, Any]) -> None:
        if self.throttled_for is not None:
            wait = self.throttled_for
            raise Refused(429, f"Too Many Requests: retry after {wait}", retry_after=wait)
        if chat.moved_to is not None:
            text = "Bad Request: group chat was upgraded to a supergroup chat"
            raise Refused(400, text, migrate_to_chat_id=chat.moved_to)
        if chat.refuses is not None:
            raise Refused(*chat.refuses)
        if "message_thread_id" in body and _typed(body, "message_thread_id", int) not in chat.topics:
            raise Refused(400, "Bad Request: message thread not found")
        if chat.type == "channel" and not chat.member.get("can_post_messages"):
            raise Refused(400, "Bad Request: need administrator rights in the channel chat")

    def _chat(self, body: Mapping[str, Any]) -> Chat:
        wanted = _typed(body, "chat_id", (int, str))
        for chat in self.chats:
            if wanted == chat.id or (isinstance(wanted, str) and chat.name and wanted.lower() == chat.name):
                return chat
        raise Refused(400, "Bad Request: chat not found")


def _typed(body: Mapping[str, Any], name: str, types: type | tuple[type, ...]) -> Any:
    value = body.get(name)
    if not isinstance(value, types) or (isinstance(value, bool) and types is not bool):
        raise Refused(400, f"Bad Request: field {name} is missing or of another type")
    return value


def _check_preview(options: Mapping[str, Any]) -> None:
    known = {"is_disabled": bool, "url": str}
    if not options or any(not isinstance(value, known.get(name, ())) for name, value in options.items()):
        raise Refused(400, "Bad Request: can't parse link preview options")


def read(markup: str, parse_mode: str) -> str:
    """What a reader sees of HTML-style markup. Raises Refused as the server does."""
    if parse_mode != "HTML":
        raise Refused(400, "Bad Request: unsupported parse_mode")
    text = _without_tags(markup).strip()
    if not text:
        raise Refused(400, "Bad Request: message text is empty")
    if len(text.encode("utf-16-le")) // 2 > MAX_CHARACTERS:
        raise Refused(400, "Bad Request: message is too long")
    return text


_PIECE = re.compile(r"<(/?)([a-z-]*)([^<>]*)>|([^<&]+)|(&(?:lt|gt|amp|quot|#[0-9]+|#x[0-9a-f]+);)|(.)", re.S)


def _without_tags(markup: str) -> str:
    read, opened = [], []
    for closing, name, rest, text, entity, stray in (match.groups() for match in _PIECE.finditer(markup)):
        if text or entity:
            read.append(text or html.unescape(entity))
        elif stray:
            raise _unreadable(f"unescaped {stray!r}")
        elif closing:
            if not opened or opened.pop() != name:
                raise _unreadable(f'Unmatched end tag "{name}"')
        else:
            _check_start(name, rest, opened)
            opened.append(name)
    if opened:
        raise _unreadable(f'Can\'t find end tag corresponding to start tag "{opened[-1]}"')
    return "".join(read)


def _check_start(name: str, rest: str, opened: list[str]) -> None:
    if name not in TAGS:
        raise _unreadable(f'Unsupported start tag "{name}"')
    if rest and not (name == "a" and re.fullmatch(r' href="[^"]+"', rest)):
        raise _unreadable(f'attributes of "{name}"')
    # Telegram rearranges these silently; our own markup is not to need that.
    if name in opened or "code" in opened or "pre" in opened:
        raise _unreadable(f'"{name}" inside "{opened[-1]}"')
    if name in ("code", "pre") and set(opened) - {"blockquote"}:
        raise _unreadable(f'"{name}" inside "{opened[-1]}"')


def _unreadable(why: str) -> Refused:
    return Refused(400, f"Bad Request: can't parse entities: {why}")
