"""One bot of Telegram's Bot API (https://core.telegram.org/bots/api, 2026-11).

The API takes no idempotency key and shows a bot nothing of what it sent: a lost answer stays unknown.
The token is part of every URL; it is put there at the last moment and nowhere else.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import AnyHttpUrl, Field, field_validator

from fallback_cast.channels.kit import probe, wording
from fallback_cast.channels.kit.http import HttpClient, ssl_context
from fallback_cast.channels.kit.settings import BuildContext, ChannelSettings, DurationField, SecretField
from fallback_cast.channels.telegram.answers import NotModified, result_of
from fallback_cast.channels.telegram.text import compose
from fallback_cast.model.announcement import Announcement, Importance
from fallback_cast.model.channel import Channel, Pace, Provider, Traits
from fallback_cast.model.errors import AccessDenied, Layer, MessageRefused, OutcomeUnknown, Scope
from fallback_cast.model.health import Check
from fallback_cast.model.message import Accepted, Message
from fallback_cast.model.secret import Secret
from fallback_cast.model.texts import translate

# https://core.telegram.org/bots/faq#my-bot-is-hitting-limits (2026-11): about 30 messages a second for
# the bot, one a second for a chat, 20 a minute for a group. We stay below: all calls share a penalty.
BOT_INTERVAL_S = 1 / 20
BOT_BURST = 5
CHAT_INTERVAL_S = 1.0
GROUP_INTERVAL_S = 60 / 18

_TOKEN = re.compile(r"[0-9]{1,20}:[A-Za-z0-9_-]{1,100}")
_NAME = re.compile(r"(?:@|(?:https?://)?(?:t\.me|telegram\.me)/)([A-Za-z][A-Za-z0-9_]{3,31})/?")
_ID = re.compile(r"-?[1-9][0-9]{0,15}")  # at most 52 bits, so 16 digits


_NO_ADDRESS = "a Telegram address is @name of a channel or group, or the number of a chat"


def _normalise(address: str, language: str) -> str:
    text = address.strip()
    if name := _NAME.fullmatch(text):
        return f"@{name[1].lower()}"
    if _ID.fullmatch(text):
        return text
    raise ValueError(translate(language, _NO_ADDRESS))


class Settings(ChannelSettings):
    """Keys of a `[[channel]]` with `kind = "telegram"`."""

    kind: Literal["telegram"]
    token: SecretField = Field(description="The bot's token, from @BotFather")
    chat: str | int | None = Field(
        None,
        union_mode="left_to_right",
        repr=False,
        description="The place: @name of the channel or group, or its number (-100…)",
    )
    base_url: AnyHttpUrl = Field(AnyHttpUrl("https://api.telegram.org"), description="Another Bot API server")
    ca_file: Path | None = Field(None, description="Certificate authority of a private Bot API server")
    message_thread_id: int | None = Field(None, ge=1, description="Topic of the place, if it has topics")
    silent: bool = Field(False, description="No sound on the phones, except for urgent announcements")
    timeout: DurationField = Field(timedelta(seconds=15), description="How long to wait for the answer")

    @field_validator("token")
    @classmethod
    def _is_a_token(cls, value: Secret) -> Secret:
        if not _TOKEN.fullmatch(value.reveal()):
            raise ValueError("a bot token looks like 123456789:letters-and-digits; @BotFather gives it")
        return value

    @field_validator("chat")
    @classmethod
    def _is_an_address(cls, value: str | int | None) -> str | None:
        return None if value is None else _normalise(str(value), "en")


@dataclass(frozen=True, slots=True)
class TelegramMessage(Message):
    """`preview` is the one link that may show a preview; `silent` leaves the phone quiet."""

    html: str
    preview: str | None = None
    silent: bool = False


def build(settings: Settings, context: BuildContext) -> TelegramChannel:
    return TelegramChannel(settings, context)


class TelegramChannel(Channel, Provider):
    """A channel with one provider: the bot."""

    kind = "telegram"

    def __init__(self, settings: Settings, context: BuildContext) -> None:
        self.name = settings.name
        self.always = bool(settings.always)
        self.audience_some = settings.audience == "some"
        self.traits = Traits(edits=True, local=settings.needs == "local")
        self.failure_domains = frozenset(settings.failure_domains or ("telegram",))
        self.providers: Sequence[Provider] = (self,)
        self._club = context.club
        self._silent = settings.silent
        self._thread = settings.message_thread_id
        self._token = settings.token
        self._place = None if settings.chat is None else str(settings.chat)
        base_url = str(settings.base_url)
        ca_file = context.base_dir / settings.ca_file if settings.ca_file else None
        self._client = HttpClient(base_url, ca_file=ca_file, read_s=settings.timeout.total_seconds())
        self.endpoints = (self._client.endpoint,)
        self._tls = ssl_context(ca_file) if urlsplit(base_url).scheme == "https" else None

    def place(self) -> str | None:
        return self._place

    def normalise(self, address: str) -> str:
        """`@name` in lower case, or a number: negative for groups and channels."""
        return _normalise(address, self._club.language)

    def paces(self, address: str) -> Sequence[Pace]:
        bot = self._token.reveal().partition(":")[0]  # the public half of the token
        chat = hashlib.sha256(address.encode()).hexdigest()[:16]
        person = not address.startswith(("-", "@"))
        return (
            Pace(f"telegram:{bot}", BOT_INTERVAL_S, BOT_BURST),
            Pace(f"telegram:{bot}:{chat}", CHAT_INTERVAL_S if person else GROUP_INTERVAL_S),
        )

    def render(self, announcement: Announcement, page_url: str | None = None) -> TelegramMessage:
        html, text = compose(
            wording.headline(announcement),
            announcement.body,
            wording.facts(announcement, self._club, page_url),
            announcement.language,
        )
        silent = self._silent and announcement.importance is not Importance.URGENT
        return TelegramMessage(text, html, announcement.link, silent)

    async def send(self, message: Message, address: str, key: str) -> Accepted:
        assert isinstance(message, TelegramMessage)
        body = {"chat_id": _chat_id(address), "disable_notification": message.silent, **_text(message)}
        if self._thread is not None and address == self._place:
            body["message_thread_id"] = self._thread
        result = await self._call(self._client, "sendMessage", body, address)
        return Accepted(_reference(result), delivered=True)

    async def edit(self, message: Message, address: str, reference: str, key: str) -> Accepted:
        """editMessageText (https://core.telegram.org/bots/api#editmessagetext, 2026-11)."""
        assert isinstance(message, TelegramMessage)
        chat, _, number = reference.rpartition(":")
        if not number.isdigit() or not chat:
            raise MessageRefused("the reference names no message of Telegram")
        body = {"chat_id": _chat_id(chat), "message_id": int(number), **_text(message)}
        try:
            _reference(await self._call(self._client, "editMessageText", body, address))
        except NotModified:
            return Accepted(reference, delivered=True, note="it says so already")
        return Accepted(reference, delivered=True)

    async def probe(self) -> list[Check]:
        further = [(self._ask_chat, Layer.ACCOUNT)] if self._place is not None else []
        return await probe.probe_http(self._client, self._ask_bot, *further, tls=self._tls)

    async def _ask_bot(self, client: HttpClient) -> str:
        await self._call(client, "getMe", {}, None)
        return "the bot answers"

    async def _ask_chat(self, client: HttpClient) -> str:
        """The chat is there, and the bot may write in it (getChat alone shows public ones to anybody)."""
        assert self._place is not None
        chat = {"chat_id": _chat_id(self._place)}
        kind = (await self._call(client, "getChat", chat, self._place)).get("type")
        if kind != "private":
            bot = int(self._token.reveal().partition(":")[0])
            member = await self._call(client, "getChatMember", {**chat, "user_id": bot}, self._place)
            _raise_if_mute(kind, member)
        return "the bot may write in the chat"

    async def _call(
        self, client: HttpClient, method: str, body: Mapping[str, Any], address: str | None
    ) -> Mapping[str, Any]:
        path = f"/bot{self._token.reveal()}/{method}"
        response = await client.request("POST", path, json=body)
        return result_of(response, of_place=address is not None and address == self._place)

    async def close(self) -> None:
        await self._client.close()


def _text(message: TelegramMessage) -> dict[str, Any]:
    preview = {"url": message.preview} if message.preview else {"is_disabled": True}
    return {"text": message.html, "parse_mode": "HTML", "link_preview_options": preview}


def _chat_id(address: str) -> str | int:
    return address if address.startswith("@") else int(address)


def _reference(result: Mapping[str, Any]) -> str:
    """`chat:message`, as later edits need it."""
    chat = result.get("chat")
    chat_id = chat.get("id") if isinstance(chat, dict) else None
    message_id = result.get("message_id")
    if not isinstance(message_id, int) or chat_id is None:
        raise OutcomeUnknown("the answer names no message")
    return f"{chat_id}:{message_id}"


def _raise_if_mute(kind: object, member: Mapping[str, Any]) -> None:
    """Whether a bot with this ChatMember may write in a chat of this type."""
    match member.get("status"):
        case "creator":
            return
        case "administrator" if kind != "channel" or member.get("can_post_messages") is True:
            return
        case "member" if kind != "channel":
            return
        case "restricted" if member.get("is_member") is True and member.get("can_send_messages") is True:
            return
        case "left" | "kicked":
            raise AccessDenied("the bot is not in the chat", scope=Scope.PLACE)
        case _:
            raise AccessDenied("the bot may not write in this chat", scope=Scope.PLACE)
