"""The tables of the ledger, one schema for SQLite and PostgreSQL (design §9).

Moments are whole microseconds since 1970 in UTC: they compare, index and copy alike everywhere.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.types import TypeDecorator

HEAD = "0007"  # the newest migration; a test compares it with the scripts

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


def to_micros(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def from_micros(value: int) -> datetime:
    return _EPOCH + timedelta(microseconds=value)


class Moment(TypeDecorator[datetime]):
    """An aware datetime, stored as microseconds since 1970 UTC."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> int | None:
        return None if value is None else (value - _EPOCH) // _MICROSECOND

    def process_result_value(self, value: int | None, dialect: Any) -> datetime | None:
        return None if value is None else _EPOCH + timedelta(microseconds=value)


# Which rows an index holds is said to PostgreSQL by the migrations alone: said here, it would load
# that dialect at every start.
metadata = MetaData()

RowId = BigInteger().with_variant(Integer, "sqlite")

announcement = Table(
    "announcement",
    metadata,
    Column("id", Text, primary_key=True),
    Column("code", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("importance", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("link", Text),
    Column("event_at", Moment),
    Column("place", Text),
    Column("private", Boolean, nullable=False),
    Column("test", Boolean, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("content_hash", Text, nullable=False),
    Column("idempotency_key", Text, unique=True),
    Column("state", Text, nullable=False),  # scheduled | dispatching | held | settled | cancelled
    Column("created_at", Moment, nullable=False),
    Column("starts_at", Moment, nullable=False),
    Column("gate_until", Moment),  # our own site goes first; the others wait until then
    Column("page_url", Text),  # of our own page, once a copy of it answered
    Column("expires_at", Moment, nullable=False),
    Column("settled_at", Moment),
    Column("notice", Boolean, nullable=False, server_default=text("false")),  # to organisers, of outages
    Column("cancelled_at", Moment),  # its last revision calls it off
    Index("announcement_by_content", "content_hash", "created_at"),
    Index("announcement_by_state", "state"),
)

revision = Table(
    "revision",  # every text that an announcement ever had, once there is more than one
    metadata,
    Column("announcement_id", Text, ForeignKey("announcement.id", ondelete="CASCADE"), primary_key=True),
    Column("revision", Integer, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("title", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("link", Text),
    Column("event_at", Moment),
    Column("place", Text),
    Column("cancelled", Boolean, nullable=False, server_default=text("false")),
)

member = Table(
    "member",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("name", Text, nullable=False),
    Column("language", Text),
    Column("groups", Text, nullable=False, server_default=""),
    Column("paused", Boolean, nullable=False, server_default=text("false")),
    Column("created_at", Moment, nullable=False),
    Column("number", Text),  # the club's own: a licence, a membership number
    Column("ranks", Text, nullable=False, server_default=""),  # channels in the member's order, comma between
    Column("timezone", Text),
    Column("paused_until", Text),  # the last day of the pause; without it: for good
    Index("member_by_number", "number"),
)

member_address = Table(
    "member_address",
    metadata,
    Column("member_id", RowId, ForeignKey("member.id", ondelete="CASCADE"), primary_key=True),
    Column("channel", Text, primary_key=True),
    Column("address", Text, nullable=False),
    Index("member_address_by_address", "address"),
)

member_consent = Table(
    "member_consent",  # what a member said; nothing said: no row
    metadata,
    Column("member_id", RowId, ForeignKey("member.id", ondelete="CASCADE"), primary_key=True),
    Column("channel", Text, primary_key=True),
    Column("given", Boolean, nullable=False),
    Column("since", Moment, nullable=False),
)

delivery = Table(
    "delivery",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("announcement_id", Text, ForeignKey("announcement.id", ondelete="CASCADE"), nullable=False),
    Column("kind", Text, nullable=False),  # member | everyone | place
    Column("recipient", Text, nullable=False),
    Column("member_id", RowId),
    Column("routes", Text, nullable=False),  # JSON [[channel, address], …] in rank order
    Column("revision", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("lane", Text, nullable=False),  # the channel that is probably next
    Column("next_at", Moment, nullable=False),  # due then; while claimed: when the lease ends
    Column("owner", Text),  # who holds the lease
    Column("waits_for", Text),  # key of another's attempt on the same address
    Column("via", Text),
    Column("fell_back", Boolean, nullable=False, server_default=text("false")),  # not by its first channel
    Column("skipped", Text),  # channels of better rank that were passed over untried, comma between
    Column("reasons", Text),  # JSON list
    Column("opened_at", Moment, nullable=False),
    Column("closed_at", Moment),
    Column("catch_up", Boolean, nullable=False, server_default=text("false")),  # a place that missed it
    Column("timezone", Text),  # of the member, for quiet hours
    Column("amends", RowId),  # the delivery whose recipient was told an earlier text by the first route
    Index(
        "delivery_catch_up",  # one for an announcement and a place, ever
        "announcement_id",
        "recipient",
        unique=True,
        sqlite_where=text("catch_up"),
    ),
    Index(
        "delivery_due",
        "announcement_id",
        "lane",
        "next_at",
        sqlite_where=text("state = 'open'"),
    ),
    Index("delivery_by_state", "announcement_id", "state"),
    Index("delivery_by_member", "member_id", "announcement_id"),
    Index("delivery_amends", "amends", sqlite_where=text("amends IS NOT NULL")),
    Index(
        "delivery_waiting_for",
        "waits_for",
        sqlite_where=text("waits_for IS NOT NULL"),
    ),
)

attempt = Table(
    "attempt",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("key", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("announcement_id", Text, ForeignKey("announcement.id", ondelete="CASCADE"), nullable=False),
    Column("delivery_id", RowId, nullable=False),  # whose turn it was; others may share the address
    Column("channel", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("error", Text),
    Column("reason", Text, nullable=False, server_default=""),
    Column("layer", Text),
    Column("place_only", Boolean, nullable=False, server_default=text("false")),
    Column("not_before", Moment),
    Column("reference", Text),
    Column("note", Text, nullable=False, server_default=""),
    Column("possible_duplicate", Boolean, nullable=False, server_default=text("false")),
    Column("owner", Text, nullable=False),
    Column("begun_at", Moment, nullable=False),
    Column("ended_at", Moment),
    # Our own network was down then: it says nothing about its route.
    Column("offline", Boolean, nullable=False, server_default=text("false")),
    Column("cost", Float),
    UniqueConstraint("key", "number", name="attempt_key_number"),
    Index("attempt_by_announcement", "announcement_id", "channel", "outcome"),
    Index(
        "attempt_in_flight",
        "owner",
        sqlite_where=text("outcome = 'begun'"),
    ),
)

receipt = Table(
    "receipt",  # what was told of an attempt after it was accepted
    metadata,
    Column("id", RowId, primary_key=True),
    Column("attempt_id", RowId, ForeignKey("attempt.id", ondelete="CASCADE"), nullable=False),
    Column("told", Text, nullable=False),  # delivered | failed | acknowledged | complaint | unsubscribed
    Column("source", Text, nullable=False),
    Column("detail", Text, nullable=False, server_default=""),
    Column("at", Moment, nullable=False),
    UniqueConstraint("attempt_id", "told", name="receipt_once"),
)

suppression = Table(
    "suppression",
    metadata,
    Column("channel", Text, primary_key=True),
    Column("address", Text, primary_key=True),
    Column("cause", Text, nullable=False),
    Column("evidence", Text, nullable=False),
    Column("since", Moment, nullable=False),
    Column("ends_at", Moment),
)

evidence = Table(
    "evidence",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("channel", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("at", Moment, nullable=False),
    Column("machine", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("signal", Text, nullable=False),
    Column("layer", Text),
    Column("detail", Text, nullable=False, server_default=""),
    Index("evidence_by_provider", "channel", "provider", "at"),
)

breaker = Table(
    "breaker",
    metadata,
    Column("channel", Text, primary_key=True),
    Column("provider", Text, primary_key=True),
    Column("verdict", Text, nullable=False),
    Column("failures", Float, nullable=False),
    Column("openings", Integer, nullable=False),
    Column("since", Moment, nullable=False),
    Column("seen_at", Moment, nullable=False),
    Column("retry_at", Moment),
    Column("layer", Text),
    Column("reason", Text, nullable=False),
    Column("configuration", Boolean, nullable=False),
    Column("fingerprint", Text, nullable=False),
    Column("configured_at", Moment, nullable=False),
)

outage = Table(
    "outage",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("channel", Text, nullable=False),
    Column("provider", Text, nullable=False),
    Column("began_at", Moment, nullable=False),
    Column("ended_at", Moment),
    Column("layer", Text),
    Column("reason", Text, nullable=False),
    Column("configuration", Boolean, nullable=False, server_default=text("false")),  # our account or settings
    Column("told_down_at", Moment),  # the organisers were told, once, whoever found it out
    Column("told_back_at", Moment),
    Index("outage_by_provider", "channel", "provider", "began_at"),
)

need = Table(
    "need",  # something of ours that an organiser must see to before it ends: a certificate
    metadata,
    Column("channel", Text, primary_key=True),
    Column("provider", Text, primary_key=True),
    Column("what", Text, primary_key=True),
    Column("since", Moment, nullable=False),
    Column("told_at", Moment),
    Column("detail", Text, nullable=False, server_default=""),
)

pace = Table(
    "pace",
    metadata,
    Column("key", Text, primary_key=True),
    Column("next_at", Moment, nullable=False),
)

moved_address = Table(
    "moved_address",
    metadata,
    Column("channel", Text, primary_key=True),
    Column("address", Text, primary_key=True),
    Column("moved_to", Text, nullable=False),
    Column("at", Moment, nullable=False),
)

secret = Table(
    "secret",  # random bytes that never leave this ledger
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", LargeBinary, nullable=False),
)
