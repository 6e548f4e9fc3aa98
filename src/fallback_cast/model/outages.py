"""Words for what was out of order: outages, what they cost, what needs an organiser, what was missed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from fallback_cast.model.delivery import Attempt, RecipientKind, Route, State
from fallback_cast.model.errors import Layer
from fallback_cast.model.texts import Phrase

FAILURES = ("bad", "half", "denied", "confirmed")  # signals that speak for an outage; a hint does not


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """An interval in which a provider was judged down. `ended_at` None: it is on."""

    id: int
    channel: str
    provider: str
    began_at: datetime
    ended_at: datetime | None
    layer: Layer | None
    reason: str  # evidence in a few words
    configuration: bool = False  # our account or settings were refused: an organiser is needed
    told_down_at: datetime | None = None
    told_back_at: datetime | None = None

    def lasted(self, now: datetime) -> timedelta:
        return (self.ended_at or now) - self.began_at

    def overlaps(self, begin: datetime, end: datetime) -> bool:
        return self.began_at <= end and (self.ended_at is None or self.ended_at >= begin)


@dataclass(frozen=True, slots=True)
class Cost:
    """What an outage cost: messages that went another way, and messages that waited for its end."""

    fell_back: int
    waited: int


@dataclass(frozen=True, slots=True)
class Need:
    """Something of a provider that an organiser must see to, before it becomes an outage."""

    channel: str
    provider: str
    what: str  # certificate | credit
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """One word of evidence, as the picture of a channel's days needs it."""

    channel: str
    at: datetime
    good: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PassedChain:
    """A closed delivery that had this channel among its routes, with the attempts on that route."""

    announcement_id: str
    revision: int
    kind: RecipientKind
    state: State
    routes: tuple[Route, ...]
    via: str | None
    opened_at: datetime
    closed_at: datetime
    expires_at: datetime
    tried: tuple[Attempt, ...] = ()


@dataclass(frozen=True, slots=True)
class Trouble:
    """An interval in which a channel was out; without an end it still is."""

    begin: datetime
    end: datetime | None


@dataclass(frozen=True, slots=True)
class CatchUp:
    """One message to be posted late."""

    announcement_id: str
    revision: int
    route: Route
    expires_at: datetime


def span(duration: timedelta) -> Phrase:
    """How long, to the minute: `6 h 12 min`; at least one minute."""
    minutes = max(1, round(duration.total_seconds() / 60))
    hours, minutes = divmod(minutes, 60)
    if hours >= 24:
        return Phrase("{days} d {hours} h", days=hours // 24, hours=hours % 24)
    if not hours:
        return Phrase("{minutes} min", minutes=minutes)
    if not minutes:
        return Phrase("{hours} h", hours=hours)
    return Phrase("{hours} h {minutes} min", hours=hours, minutes=minutes)
