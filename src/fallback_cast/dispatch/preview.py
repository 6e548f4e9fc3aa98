"""What an announcement would do, without doing it: routes, parts, cost, time, and who cannot be reached."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from decimal import Decimal
from enum import Enum, auto
from zoneinfo import ZoneInfo

from fallback_cast.dispatch.accept import Draft, Ready, moved_routes, planned
from fallback_cast.ledger.ahead import shared_addresses, suppressed_addresses
from fallback_cast.ledger.memory import load_paces, moved_addresses
from fallback_cast.ledger.open import Ledger
from fallback_cast.ledger.spending import Spent, spent_since
from fallback_cast.model.announcement import Importance
from fallback_cast.model.channel import Channel
from fallback_cast.model.delivery import Route
from fallback_cast.model.errors import MessageRefused
from fallback_cast.model.policy import Policy
from fallback_cast.routing.forecast import Circumstances, Forecast, Share
from fallback_cast.routing.pace import last_goes_at
from fallback_cast.routing.quiet import quiet_until


class Caution(Enum):
    """What the organiser should know before sending."""

    QUIET = auto()  # quiet hours hold it until then
    QUIET_EXPIRES = auto()  # it expires before the quiet hours end
    QUIET_EVENT = auto()  # the event begins before they end
    SLOW_EXPIRES = auto()  # it expires before the channel has sent all
    SLOW_EVENT = auto()  # the event begins before the channel has sent all
    CAP = auto()  # the day's cap ends before everybody has it


@dataclass(frozen=True, slots=True)
class Warned:
    """A caution about a channel: how many recipients it concerns, and a moment if one matters."""

    what: Caution
    channel: str
    count: int
    moment: datetime | None = None


@dataclass(slots=True)
class ChannelPreview:
    """One channel's share: how many begin with it, how many could come to it, what they would read."""

    name: str
    kind: str
    text: str = ""
    refused: str = ""  # why this announcement cannot be shown here
    parts: int | None = None  # of one text message
    parts_as_written: int | None = None  # without a plainer spelling
    encoding: str | None = None
    cost: Decimal | None = None  # of one message
    first: int = 0  # recipients whose first route it is
    possible: int = 0  # recipients who have it among their routes
    messages: int = 0  # to send if everything works: a shared address gets one
    most: int = 0  # to send if every other channel fails
    no_consent: int = 0  # members with an address on it that may not be used
    begins_at: datetime | None = None
    seconds: float = 0.0  # from the first message to the last one, at the provider's pace

    @property
    def ends_at(self) -> datetime | None:
        return None if self.begins_at is None else self.begins_at + timedelta(seconds=self.seconds)


@dataclass(slots=True)
class Preview:
    channels: dict[str, ChannelPreview]
    forecast: Forecast
    warnings: list[Warned] = field(default_factory=list)


def preview(
    ledger: Ledger,
    draft: Draft,
    ready: Ready,
    channels: Mapping[str, Channel],
    policies: Mapping[Importance, Policy],
    timezone: str,
) -> Preview:
    """Plan everything, send nothing, store nothing."""
    shares = {channel.name: _rendered(channel, ready) for channel in channels.values()}
    policy, moved = policies[draft.importance], moved_addresses(ledger)
    room = _room(ledger, ready, channels, shares, timezone)
    shared = {*shared_addresses(ledger), *_places(channels), *(Route(c, to) for (c, _), to in moved.items())}
    around = Circumstances(
        shared=shared,
        suppressed=frozenset(suppressed_addresses(ledger, ready.starts_at)),
        refused={share.name: share.refused for share in shares.values() if share.refused},
        room=room,
        reach_all=policy.reach == "all",
    )
    recipients = planned(ledger, draft, channels, policies, ready.day)
    forecast = Forecast(around).count(moved_routes(recipients, moved))
    found = Preview(shares, forecast)
    paces = load_paces(ledger)
    for channel in channels.values():
        counted = forecast.shares[channel.name]
        counted.most = min(counted.most, room.get(channel.name, counted.most))
        _time(shares[channel.name], channel, counted, ready, policy, paces, timezone)
        found.warnings += _warnings(shares[channel.name], ready, policy, channel)
    found.warnings += [Warned(Caution.CAP, name, count) for name, count in forecast.capped.items()]
    return found


def _rendered(channel: Channel, ready: Ready) -> ChannelPreview:
    share = ChannelPreview(channel.name, channel.kind)
    try:
        message = channel.render(ready.announcement)
    except MessageRefused as error:
        share.refused = error.reason
        return share
    share.text = message.text
    share.parts = getattr(message, "parts", None)
    share.parts_as_written = getattr(message, "parts_as_written", None)
    encoding = getattr(message, "encoding", None)
    share.encoding = None if encoding is None else str(encoding)
    share.cost = channel.cost(message)
    return share


def _places(channels: Mapping[str, Channel]) -> list[Route]:
    return [Route(channel.name, place) for channel in channels.values() if (place := channel.place())]


def _room(
    ledger: Ledger,
    ready: Ready,
    channels: Mapping[str, Channel],
    shares: Mapping[str, ChannelPreview],
    timezone: str,
) -> dict[str, int]:
    """Messages that each cap still allows on the day it begins (dispatch/purse.py)."""
    capped = {channel.name: channel.cap for channel in channels.values() if channel.cap is not None}
    if not capped:
        return {}
    zone = ZoneInfo(timezone)
    day = ready.starts_at.astimezone(zone).date()
    spent = spent_since(ledger, tuple(capped), datetime.combine(day, time(), zone))
    room = {}
    for name, cap in capped.items():
        mine, cost = spent.get(name, Spent()), shares[name].cost
        left = [] if cap.max_per_day is None else [cap.max_per_day - mine.messages]
        if cap.max_cost is not None and cost:
            left.append(int((cap.max_cost - mine.cost) // cost))
        if left:
            room[name] = max(0, min(left))
    return room


def _time(
    share: ChannelPreview,
    channel: Channel,
    counted: Share,
    ready: Ready,
    policy: Policy,
    paces: Mapping[str, datetime],
    timezone: str,
) -> None:
    """When the channel begins, and how long its provider's own pace takes at least."""
    share.first, share.possible = counted.first, counted.possible
    share.messages, share.most = counted.messages, counted.most
    share.no_consent = counted.no_consent
    if not counted.messages:
        return
    begins_at = ready.starts_at
    if policy.quiet_hours and channel.traits.rings:
        begins_at = quiet_until(begins_at, timezone) or begins_at
    share.begins_at = begins_at
    each = [channel.providers[0].paces(address) for address in counted.samples]
    keys = set.intersection(*({pace.key for pace in of_one} for of_one in each))
    # A pace of one address alone (a chat's) holds nobody else up.
    ends = [last_goes_at(p, paces.get(p.key), begins_at, counted.messages) for p in each[0] if p.key in keys]
    share.seconds = max(((end - begins_at).total_seconds() for end in ends), default=0.0)


def _warnings(share: ChannelPreview, ready: Ready, policy: Policy, channel: Channel) -> Sequence[Warned]:
    if share.begins_at is None or share.ends_at is None:
        return []
    expires_at, event_at = ready.announcement.expires_at, ready.announcement.event_at
    held = share.begins_at > ready.starts_at

    def warned(what: Caution, moment: datetime | None) -> list[Warned]:
        return [Warned(what, share.name, share.first, moment)]

    found = warned(Caution.QUIET, share.begins_at) if held else []
    if share.begins_at >= expires_at:
        return found + warned(Caution.QUIET_EXPIRES, expires_at)
    if share.ends_at > expires_at:
        found += warned(Caution.SLOW_EXPIRES, expires_at)
    if event_at is not None and ready.starts_at < event_at:
        if share.begins_at >= event_at:
            found += warned(Caution.QUIET_EVENT, event_at)
        elif share.ends_at > event_at:
            found += warned(Caution.SLOW_EVENT, event_at)
    return found
