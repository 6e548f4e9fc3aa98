"""`webhook`: the announcement as signed JSON to any URL (Standard Webhooks 1.0.0).

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md, 2026-11
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import AnyHttpUrl, Field, field_validator

from fallback_cast.channels.kit import markup, probe, wording
from fallback_cast.channels.kit.http import Answer, HttpClient, raise_for_answer, ssl_context
from fallback_cast.channels.kit.settings import BuildContext, ChannelSettings, DurationField, SecretField
from fallback_cast.model.announcement import Announcement
from fallback_cast.model.channel import Channel, Provider, Traits
from fallback_cast.model.errors import AccessDenied, Unavailable
from fallback_cast.model.health import Check
from fallback_cast.model.message import Accepted, Message
from fallback_cast.model.secret import Secret
from fallback_cast.model.texts import translate

LEAST_KEY_BYTES = 24  # Standard Webhooks 1.0.0, "Signature scheme"


class Settings(ChannelSettings):
    """Keys of a `[[channel]]` with `kind = "webhook"`."""

    kind: Literal["webhook"]
    url: AnyHttpUrl = Field(repr=False, description="Where the announcement is posted; this is the place")
    secret: SecretField = Field(description="whsec_… of the receiver, with which each message is signed")
    ca_file: Path | None = Field(None, description="Certificate authority of a private receiver")
    timeout: DurationField = Field(timedelta(seconds=15), description="How long to wait for the answer")

    @field_validator("secret")
    @classmethod
    def _signs(cls, value: Secret) -> Secret:
        try:
            text = value.reveal().removeprefix("whsec_").rstrip("=")
            key = base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
        except ValueError:  # not from it: it may quote the secret
            key = b""
        if len(key) < LEAST_KEY_BYTES:
            raise ValueError("a webhook secret is whsec_ and the base64 of 24 to 64 random bytes")
        return value


@dataclass(frozen=True, slots=True)
class WebhookMessage(Message):
    body: str


def build(settings: Settings, context: BuildContext) -> WebhookChannel:
    return WebhookChannel(settings, context)


class WebhookChannel(Channel, Provider):
    """A channel with one provider: the receiver itself. Its only address is the URL in the settings."""

    kind = "webhook"
    traits = Traits(deduplicates=True)

    def __init__(self, settings: Settings, context: BuildContext) -> None:
        self.name = settings.name
        self.always = bool(settings.always)
        self.audience_some = settings.audience == "some"
        self._club = context.club
        parts = urlsplit(str(settings.url))
        self._path = parts.path + (f"?{parts.query}" if parts.query else "")
        self.failure_domains = frozenset(settings.failure_domains or (parts.hostname or settings.name,))
        from standardwebhooks import Webhook  # it brings httpx along: not for reading settings

        self._signer = Webhook(settings.secret.reveal())
        ca_file = context.base_dir / settings.ca_file if settings.ca_file else None
        self._client = HttpClient(
            f"{parts.scheme}://{parts.netloc}", ca_file=ca_file, read_s=settings.timeout.total_seconds()
        )
        self.endpoints = (self._client.endpoint,)
        self._tls = ssl_context(ca_file) if parts.scheme == "https" else None
        self.providers: Sequence[Provider] = (self,)

    def place(self) -> str:
        return "receiver"

    def normalise(self, address: str) -> str:
        if address != "receiver":
            raise ValueError("a webhook has one receiver, the url in the settings")
        return address

    def render(self, announcement: Announcement, page_url: str | None = None) -> WebhookMessage:
        text = markup.to_plain(announcement.body)
        data = {
            "id": announcement.id,
            "revision": announcement.revision,
            "code": announcement.code,
            "club": self._club.name,
            "title": announcement.title,
            "headline": wording.headline(announcement),
            "text": text,
            "html": markup.to_html(announcement.body),
            "importance": announcement.importance.value,
            "language": announcement.language,
            "link": announcement.link,
            "page": page_url,
            "event_at": announcement.event_at and announcement.event_at.isoformat(),
            "place": announcement.place,
            "cancelled": announcement.cancelled,
            "test": announcement.test,
        }
        kind = "announcement.cancelled" if announcement.cancelled else "announcement.published"
        body = {"type": kind, "timestamp": announcement.created_at.isoformat(), "data": data}
        facts = "\n".join(
            translate(announcement.language, "{label}: {value}").format(label=fact.label, value=fact.value)
            for fact in wording.facts(announcement, self._club, page_url)
        )
        shown = "\n\n".join(part for part in (wording.headline(announcement), text, facts) if part)
        return WebhookMessage(shown, json.dumps(body, ensure_ascii=False))

    async def send(self, message: Message, address: str, key: str) -> Accepted:
        assert isinstance(message, WebhookMessage)
        now = datetime.now(UTC)
        headers = {
            "content-type": "application/json",
            "webhook-id": f"msg_{key}",
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._signer.sign(f"msg_{key}", now, message.body),
        }
        response = await self._client.request(
            "POST", self._path, content=message.body.encode(), headers=headers
        )
        _raise_if_gone(response)
        raise_for_answer(response)
        return Accepted()

    async def probe(self) -> list[Check]:
        return await probe.probe_http(self._client, self._ask, tls=self._tls)

    async def _ask(self, client: HttpClient) -> str:
        """A receiver need not answer HEAD; any answer of its own below 500 shows that it lives."""
        response = await client.request("HEAD", self._path)
        _raise_if_gone(response)
        if response.status_code >= 500:
            raise Unavailable(f"HTTP {response.status_code}")
        return f"HTTP {response.status_code}"

    async def close(self) -> None:
        await self._client.close()


def _raise_if_gone(response: Answer) -> None:
    """410 is the receiver's word to stop for good (Standard Webhooks 1.0.0)."""
    if response.status_code == 410:
        raise AccessDenied("HTTP 410: no more messages are wanted here")
