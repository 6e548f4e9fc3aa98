"""One account on a Matrix homeserver (client-server API, https://spec.matrix.org/v1.18/, 2026-07).

The transaction id makes a repeated send one event, for the same device: keep one long-lived access token
and never log in for a message.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote, urlsplit

from pydantic import AnyHttpUrl, Field, field_validator

from fallback_cast.channels.kit import probe, wording
from fallback_cast.channels.kit.http import HttpClient, ssl_context
from fallback_cast.channels.kit.settings import BuildContext, ChannelSettings, DurationField, SecretField
from fallback_cast.channels.matrix.answers import result_of
from fallback_cast.channels.matrix.room import API, is_encrypted, is_joined, may_write
from fallback_cast.channels.matrix.text import compose
from fallback_cast.model.announcement import Announcement
from fallback_cast.model.channel import Channel, Pace, Provider, Traits
from fallback_cast.model.errors import AccessDenied, Layer, OutcomeUnknown, Scope
from fallback_cast.model.health import Check
from fallback_cast.model.message import Accepted, Message
from fallback_cast.model.secret import Secret
from fallback_cast.model.texts import translate

# Synapse's defaults, rc_message (config documentation, 2026-07): 0.2 a second, 10 at once.
INTERVAL_S = 5.0
BURST = 10
# The specification does not say how long an id is remembered; Synapse keeps answers for 30 to 60 minutes.
REMEMBERED_S = 1800.0

# Since room version 12 an id has no ":server" at its end.
_ROOM_ID = re.compile(r"![^\s\x00-\x1f\x7f]{1,254}")
_ALIAS = re.compile(r"#[^\s:\x00-\x1f\x7f]{1,200}:[^\s\x00-\x1f\x7f]{1,253}")
_NO_ADDRESS = "a Matrix address is the id of a room: it begins with ! and stands in the room's settings"
_ALIAS_IN_SETTINGS = "the settings name the room by its alias; it must be the room's id"


class Settings(ChannelSettings):
    """Keys of a `[[channel]]` with `kind = "matrix"`."""

    kind: Literal["matrix"]
    homeserver: AnyHttpUrl = Field(description="Base address of the homeserver's client API")
    access_token: SecretField = Field(description="Token of the club's account, made once and kept")
    room: str | None = Field(
        None, repr=False, description="The place: the room's id (!…), from the room's advanced settings"
    )
    allow_cleartext: bool = Field(
        False, description="Write also into an encrypted room; our messages stay unencrypted"
    )
    msgtype: Literal["m.text", "m.notice"] = Field(
        "m.text", description='"m.notice" is for machines: some clients do not notify'
    )
    ca_file: Path | None = Field(None, description="Certificate authority of a private homeserver")
    timeout: DurationField = Field(timedelta(seconds=15), description="How long to wait for the answer")

    @field_validator("access_token")
    @classmethod
    def _is_a_token(cls, value: Secret) -> Secret:
        if not re.fullmatch(r"[\x21-\x7e]+", value.reveal()):
            raise ValueError("an access token has no spaces or line breaks")
        return value

    @field_validator("room")
    @classmethod
    def _is_a_room(cls, value: str | None) -> str | None:
        if value is not None and not _ROOM_ID.fullmatch(value) and not _ALIAS.fullmatch(value):
            raise ValueError(_NO_ADDRESS)
        return value


@dataclass(frozen=True, slots=True)
class MatrixMessage(Message):
    html: str


def build(settings: Settings, context: BuildContext) -> MatrixChannel:
    return MatrixChannel(settings, context)


class MatrixChannel(Channel, Provider):
    """A channel with one provider: the homeserver."""

    kind = "matrix"
    deduplicates = True

    def __init__(self, settings: Settings, context: BuildContext) -> None:
        base_url = str(settings.homeserver)
        parts = urlsplit(base_url)
        self.name = settings.name
        self.always = bool(settings.always)
        self.audience_some = settings.audience == "some"
        self.traits = Traits(
            deduplicates=True,
            deduplicates_for=REMEMBERED_S,
            edits=True,
            local=settings.needs == "local",
        )
        self.failure_domains = frozenset(settings.failure_domains or (parts.hostname or settings.name,))
        self.providers: Sequence[Provider] = (self,)
        self._club = context.club
        self._place = settings.room
        self._user = ""  # whose token it is: the probe learns it
        self._allow_cleartext = settings.allow_cleartext
        self._msgtype = settings.msgtype
        ca_file = context.base_dir / settings.ca_file if settings.ca_file else None
        self._client = HttpClient(
            base_url,
            headers={"authorization": f"Bearer {settings.access_token.reveal()}"},
            ca_file=ca_file,
            read_s=settings.timeout.total_seconds(),
        )
        self.endpoints = (self._client.endpoint,)
        self._tls = ssl_context(ca_file) if parts.scheme == "https" else None

    def place(self) -> str | None:
        """The room of the settings; also an alias, so that the sends say what is wrong with it."""
        return self._place

    def normalise(self, address: str) -> str:
        """A room's id, as it is: ids are compared letter by letter."""
        text = address.strip()
        if _ROOM_ID.fullmatch(text) or (text == self._place):
            return text
        raise ValueError(translate(self._club.language, _NO_ADDRESS))

    def paces(self, address: str) -> Sequence[Pace]:
        return (Pace(f"matrix:{self.name}", INTERVAL_S, BURST),)

    def render(self, announcement: Announcement, page_url: str | None = None) -> MatrixMessage:
        facts = wording.facts(announcement, self._club, page_url)
        headline = wording.headline(announcement)
        return MatrixMessage(*compose(headline, announcement.body, facts, announcement.language))

    async def send(self, message: Message, address: str, key: str) -> Accepted:
        assert isinstance(message, MatrixMessage)
        return Accepted(await self._put(self._content(message), address, key), delivered=True)

    async def edit(self, message: Message, address: str, reference: str, key: str) -> Accepted:
        """An event that replaces the first one (client-server API §11.33.3, m.replace, 2026-07).

        Only ever the first event is replaced, so its id stays the reference.
        """
        assert isinstance(message, MatrixMessage)
        # Clients that know no edits show this as a new message; the star is the usual sign of an edit.
        content = self._content(MatrixMessage(f"* {message.text}", f"* {message.html}"))
        content["m.new_content"] = self._content(message)
        content["m.relates_to"] = {"rel_type": "m.replace", "event_id": reference}
        event = await self._put(content, address, key)
        return Accepted(reference, delivered=True, note=f"edited by {event}")

    def _content(self, message: MatrixMessage) -> dict[str, Any]:
        return {
            "msgtype": self._msgtype,
            "body": message.text,
            "format": "org.matrix.custom.html",
            "formatted_body": message.html,
            "m.mentions": {},  # we mention nobody, so no client looks for @room in the text
        }

    async def _put(self, content: Mapping[str, Any], address: str, key: str) -> str:
        """The id of the event. Raises one of the six SendErrors."""
        if not address.startswith("!"):
            raise AccessDenied(_ALIAS_IN_SETTINGS, scope=Scope.PLACE)
        path = f"{API}/rooms/{quote(address, safe='')}/send/m.room.message/fc-{quote(key, safe='')}"
        response = await self._client.request("PUT", path, json=content)
        event = result_of(response, of_place=address == self._place).get("event_id")
        if not isinstance(event, str):
            raise OutcomeUnknown("the answer names no event")
        return event

    async def probe(self) -> list[Check]:
        steps = [self._ask_account, *([self._ask_room] if self._place else [])]
        further = [(step, Layer.ACCOUNT) for step in steps]
        return await probe.probe_http(self._client, self._ask_server, *further, tls=self._tls)

    async def _ask_server(self, client: HttpClient) -> str:
        answer = await self._get(client, "/_matrix/client/versions")
        if not isinstance(answer.get("versions"), list):
            raise OutcomeUnknown("the answer is not a homeserver's")
        return "the homeserver answers"

    async def _ask_account(self, client: HttpClient) -> str:
        self._user = await self._whoami(client)
        return "the account is known"

    async def _ask_room(self, client: HttpClient) -> str:
        """The account may write in the room, and nobody there expects an encryption that we do not give."""
        room = self._place
        assert room is not None
        if not room.startswith("!"):
            raise AccessDenied(await self._id_to_put(client), scope=Scope.PLACE)
        if not await is_joined(client, room, self._user):
            raise AccessDenied("the account is not in the room", scope=Scope.PLACE)
        encrypted = await is_encrypted(client, room)
        if encrypted and not self._allow_cleartext:
            raise AccessDenied("the room is encrypted; our messages are not", scope=Scope.PLACE)
        if not await may_write(client, room, self._user):
            raise AccessDenied("the account may not write in the room", scope=Scope.PLACE)
        return (
            "the room is encrypted; our messages are not"
            if encrypted
            else "the account may write in the room"
        )

    async def _whoami(self, client: HttpClient) -> str:
        answer = await self._get(client, f"{API}/account/whoami")
        if answer.get("is_guest") is True:
            raise AccessDenied("the account is a guest")
        user = answer.get("user_id")
        if not isinstance(user, str):
            raise OutcomeUnknown("the answer names no account")
        return user

    async def _id_to_put(self, client: HttpClient) -> str:
        """What to write into the settings instead of an alias. The id of a public alias is no secret."""
        assert self._place is not None
        answer = await self._get(client, f"{API}/directory/room/{quote(self._place, safe='')}")
        room = answer.get("room_id")
        if not isinstance(room, str) or not _ROOM_ID.fullmatch(room):
            raise AccessDenied(_ALIAS_IN_SETTINGS, scope=Scope.PLACE)
        return f'{_ALIAS_IN_SETTINGS}: room = "{room}"'

    async def _get(self, client: HttpClient, path: str) -> Mapping[str, Any]:
        return result_of(await client.request("GET", path), of_place=True)

    async def close(self) -> None:
        await self._client.close()
