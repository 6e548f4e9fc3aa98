"""The `email` channel: addresses, rendering, and its ranked relays."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from urllib.parse import quote

from fallback_cast.channels.email import wording
from fallback_cast.channels.email.addresses import JOINT, clean_address, clean_addresses, parse_sender
from fallback_cast.channels.email.inbox import Inbox
from fallback_cast.channels.email.mime import Letterhead, MailMessage, build_common, one_line
from fallback_cast.channels.email.relay import Relay
from fallback_cast.channels.email.settings import Settings
from fallback_cast.channels.email.signature import Seal
from fallback_cast.channels.kit.settings import BuildContext
from fallback_cast.channels.kit.wording import headline
from fallback_cast.model.announcement import Announcement
from fallback_cast.model.channel import Channel, Provider, Traits
from fallback_cast.model.receipt import Receipt


def build(settings: Settings, context: BuildContext) -> EmailChannel:
    """Raises UserError if a certificate file of the settings cannot be used."""
    return EmailChannel(settings, context)


class EmailChannel(Channel):
    """One message for each address. A stable Message-ID makes many mailboxes show a repeated one once,
    but none promises it: the channel does not claim to deduplicate.
    """

    kind = "email"

    def __init__(self, settings: Settings, context: BuildContext) -> None:
        self.name = settings.name
        self.always = bool(settings.always)
        self.audience_some = settings.audience == "some"
        self.traits = Traits(local=settings.needs == "local")
        self._club = context.club
        self._place = JOINT.join(dict.fromkeys(settings.to)) or None
        self._unsubscribe = settings.unsubscribe
        self._head = _letterhead(settings, context, self._place)
        self.mail_domain = self._head.sender.rpartition("@")[2].lower()
        seal = Seal.of(settings.dkim) if settings.dkim else None
        self.providers: Sequence[Provider] = tuple(
            Relay(relay, self._head, settings.failure_domains, context.base_dir, seal)
            for relay in settings.relay
        )

        self._inbox = (
            Inbox(settings.inbox, context.signer, context.base_dir)
            if settings.inbox and context.signer
            else None
        )

    async def collect(self, take: Callable[[Sequence[Receipt]], Awaitable[None]]) -> None:
        if self._inbox is not None:
            read = await asyncio.to_thread(self._inbox.read)
            await take(read.receipts)
            await asyncio.to_thread(self._inbox.mark, read)

    def place(self) -> str | None:
        return self._place

    def normalise(self, address: str) -> str:
        if "," not in address:
            return clean_address(address)
        place = clean_addresses(address)
        if place != self._place:
            raise ValueError("write one email address; only the channel's own place may have several")
        return place

    def render(self, announcement: Announcement, page_url: str | None = None) -> MailMessage:
        subject = one_line(headline(announcement))
        text = wording.to_text(announcement, self._club, page_url, self._unsubscribe)
        html = wording.to_html(announcement, self._club, page_url, self._unsubscribe)
        common = build_common(self._head, announcement, subject, text, html)
        return MailMessage(f"{subject}\n\n{text}", subject, common)


def _letterhead(settings: Settings, context: BuildContext, place: str | None) -> Letterhead:
    name, address = parse_sender(settings.sender)
    domain = address.rpartition("@")[2]
    return Letterhead(
        sender_name=name or one_line(context.club.name),
        sender=address,
        list_name=context.club.name,
        list_id=settings.list_id or f"{settings.name}.{domain}",
        reply_to=settings.reply_to,
        bounce_address=settings.bounce_address,
        # A mailto URI keeps few signs as they are (RFC 6068 §2).
        signer=context.signer,
        public_url=context.club.public_url
        if (context.club.public_url or "").startswith("https://")
        else None,
        unsubscribe=quote(settings.unsubscribe, safe="@+") if settings.unsubscribe else None,
        place=place,
    )
