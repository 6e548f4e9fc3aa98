"""What an announcement would do, without doing it: routes, parts, cost, time, and who cannot be reached."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal

from fallback_cast.dispatch.accept import Draft, Ready, planned
from fallback_cast.ledger.open import Ledger
from fallback_cast.model.announcement import Importance
from fallback_cast.model.channel import Channel
from fallback_cast.model.errors import MessageRefused
from fallback_cast.model.message import Message
from fallback_cast.model.policy import Policy
from fallback_cast.routing.plan import LEFT_OUT, Recipient

NAMED = 50  # who cannot be reached is named up to this many


@dataclass(slots=True)
class ChannelPreview:
    """One channel's share: how many begin with it, how many could come to it, what they would read."""

    name: str
    kind: str
    first: int = 0  # recipients whose first route it is
    possible: int = 0  # recipients who have it among their routes
    no_consent: int = 0  # members with an address on it that may not be used
    text: str = ""
    refused: str = ""  # why this announcement cannot be shown here
    parts: int | None = None  # of one text message
    encoding: str | None = None
    cost: Decimal | None = None  # of one message
    seconds: float = 0.0  # to send to those whose first route it is, at the provider's pace


@dataclass(slots=True)
class Preview:
    total: int = 0
    channels: dict[str, ChannelPreview] = field(default_factory=dict)
    excluded: Counter[str] = field(default_factory=Counter)
    unreachable: list[tuple[str, str]] = field(default_factory=list)  # (name, reason), the first ones


def preview(
    ledger: Ledger,
    draft: Draft,
    ready: Ready,
    channels: Mapping[str, Channel],
    policies: Mapping[Importance, Policy],
) -> Preview:
    """Plan everything, send nothing, store nothing."""
    found = Preview()
    for channel in channels.values():
        found.channels[channel.name] = _rendered(channel, ready)
    _count(found, planned(ledger, draft, channels, policies, ready.day))
    for channel in channels.values():
        _pace(found.channels[channel.name], channel)
    return found


def _rendered(channel: Channel, ready: Ready) -> ChannelPreview:
    share = ChannelPreview(channel.name, channel.kind)
    try:
        message: Message = channel.render(ready.announcement)
    except MessageRefused as error:
        share.refused = error.reason
        return share
    share.text = message.text
    share.parts = getattr(message, "parts", None)
    encoding = getattr(message, "encoding", None)
    share.encoding = None if encoding is None else str(encoding)
    share.cost = getattr(message, "cost", None)
    return share


def _count(found: Preview, recipients: Iterable[Recipient]) -> None:
    for recipient in recipients:
        found.total += 1
        for name in recipient.no_consent:
            found.channels[name].no_consent += 1
        if not recipient.routes:
            reason = recipient.excluded or "no address on any channel"
            found.excluded[reason] += 1
            if reason not in LEFT_OUT and len(found.unreachable) < NAMED:
                found.unreachable.append((recipient.name, reason))
            continue
        found.channels[recipient.routes[0].channel].first += 1
        for route in recipient.routes:
            found.channels[route.channel].possible += 1


def _pace(share: ChannelPreview, channel: Channel) -> None:
    """A lower bound from the widest pace of the first provider."""
    paces = channel.providers[0].paces(channel.place() or "")
    if share.first and paces:
        widest = min(paces, key=lambda pace: pace.interval)
        share.seconds = max(0, share.first - widest.burst) * widest.interval
