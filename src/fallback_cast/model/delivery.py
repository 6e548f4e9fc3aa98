"""Deliveries, routes and attempts: the duty to reach one recipient, and every try at it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from fallback_cast.model.errors import Layer


class State(StrEnum):
    """Where a delivery stands. Only OPEN ones are ever claimed; every other state is an end."""

    OPEN = "open"
    REACHED = "reached"
    UNREACHED = "unreached"
    EXCLUDED = "excluded"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class Why(StrEnum):
    """What an open delivery waits for."""

    QUEUED = "queued"
    SENDING = "sending"
    RETRY = "retry"
    GRACE = "grace"
    RECEIPT = "receipt"
    QUIET_HOURS = "quiet hours"
    HELD = "held"
    SCHEDULED = "scheduled"


class RecipientKind(StrEnum):
    EVERYONE = "everyone"  # the chain over the places, when there are no members
    MEMBER = "member"
    PLACE = "place"  # always = true, or a place that only some read


@dataclass(frozen=True, slots=True)
class Route:
    """A channel and an address on it; a recipient's routes stand in rank order."""

    channel: str
    address: str


class Outcome(StrEnum):
    BEGUN = "begun"
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    FAILED = "failed"
    UNKNOWN = "unknown"

    @property
    def success(self) -> bool:
        return self in (Outcome.ACCEPTED, Outcome.DELIVERED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One send on one route, by one provider. Times are UTC; `error` is the word of a SendError."""

    key: str
    number: int  # counts the tries under one key, from 1
    channel: str
    provider: str
    address: str
    outcome: Outcome
    begun_at: datetime
    ended_at: datetime | None = None
    error: str | None = None
    reason: str = ""
    layer: Layer | None = None
    place_only: bool = False  # an access-denied that tells of one place, not of our account
    not_before: datetime | None = None  # the provider said when to come again
    reference: str | None = None
    note: str = ""
    possible_duplicate: bool = False
    cost: Decimal | None = None  # in the club's money, on a channel that has a price
    offline: bool = False  # our own line carried nothing then: it says nothing about its route (P6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """The duty to reach one recipient with one announcement, as a claim hands it out."""

    id: int
    announcement_id: str
    recipient: str
    kind: RecipientKind
    routes: tuple[Route, ...]
    revision: int
    opened_at: datetime
    expires_at: datetime
    cancelled: bool = False
    suppressed: frozenset[Route] = frozenset()
    timezone: str | None = None  # of the member, if not the club's
    amends: int | None = None  # brings a correction or cancellation to who was told, by the first route
    references: Mapping[Route, str] = field(default_factory=dict)  # of what stands there and may be edited
