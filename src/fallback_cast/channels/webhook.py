"""`webhook`: the announcement as signed JSON to any URL (Standard Webhooks 1.0.0).

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md, 2026-11
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import AnyHttpUrl, Field
from standardwebhooks import Webhook

from fallback_cast.channels.kit import markup, probe, wording
from fallback_cast.channels.kit.http import HttpClient, raise_for_answer, ssl_context
from fallback_cast.channels.kit.settings import BuildContext, ChannelSettings, SecretField
from fallback_cast.model.announcement import Announcement
from fallback_cast.model.channel import Channel, Provider, Traits
from fallback_cast.model.errors import AccessDenied, Unavailable
from fallback_cast.model.health import Check
from fallback_cast.model.message import Accepted, Message


class Settings(ChannelSettings):
    """Keys of a `[[channel]]` with `kind = "webhook"`."""

    kind: Literal["webhook"]
    url: AnyHttpUrl = Field(description="Where the announcement is posted; this is the place")
    secret: SecretField = Field(description="whsec_… of the receiver, with which each message is signed")
    ca_file: Path | None = Field(None, description="Certificate authority of a private receiver")


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
        self._signer = Webhook(settings.secret.reveal())
        self._client = HttpClient(f"{parts.scheme}://{parts.netloc}", ca_file=settings.ca_file)
        self._tls = ssl_context(settings.ca_file) if parts.scheme == "https" else None
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
        return WebhookMessage(text, json.dumps(body, ensure_ascii=False))

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
        if response.status_code == 410:
            raise AccessDenied("HTTP 410: the receiver wants no more messages")
        raise_for_answer(response)
        return Accepted()

    async def probe(self) -> list[Check]:
        return await probe.probe_http(self._client, self._ask, tls=self._tls)

    async def _ask(self, client: HttpClient) -> str:
        """A receiver need not answer HEAD; any answer of its own below 500 shows that it lives."""
        response = await client.request("HEAD", self._path)
        if response.status_code >= 500:
            raise Unavailable(f"HTTP {response.status_code}")
        return f"HTTP {response.status_code}"

    async def close(self) -> None:
        await self._client.close()
