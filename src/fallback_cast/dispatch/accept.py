"""From an organiser's draft to a stored announcement: checked once, planned, written in one transaction."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain
from zoneinfo import ZoneInfo

from fallback_cast.ledger.announce import PlannedDelivery, Stored, codes_in_use, store_announcement
from fallback_cast.ledger.members import Member, count_members, each_member
from fallback_cast.ledger.memory import moved_addresses
from fallback_cast.ledger.open import Ledger
from fallback_cast.model.announcement import MAX_BODY_BYTES, Announcement, Club, Importance, clean_title
from fallback_cast.model.channel import Channel
from fallback_cast.model.delivery import RecipientKind, Route
from fallback_cast.model.errors import UserError
from fallback_cast.model.policy import Policy
from fallback_cast.model.texts import Phrase
from fallback_cast.routing.plan import Audience, ChannelRank, Person, Recipient, plan

# Letters and digits that cannot be mistaken for another when read out on the telephone.
ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What the organiser gave, not yet checked."""

    title: str
    body: str
    importance: Importance = Importance.NORMAL
    language: str = "fr"
    link: str | None = None
    event_at: datetime | None = None
    place: str | None = None
    starts_at: datetime | None = None
    expires_at: datetime | None = None
    audience: Audience = field(default_factory=Audience)
    key: str | None = None
    again: bool = False
    test_routes: tuple[Route, ...] | None = None  # --test: to the organiser alone


@dataclass(frozen=True, slots=True)
class Ready:
    """A checked announcement and the moment it begins."""

    announcement: Announcement
    starts_at: datetime
    gate_until: datetime | None
    day: str  # on which it begins, where the club is: pauses end by it


def check_draft(
    draft: Draft,
    club: Club,
    channels: Mapping[str, Channel],
    policies: Mapping[Importance, Policy],
    now: datetime,
) -> Ready:
    """Make an announcement of a draft. Raises UserError for what a person must mend."""
    policy = policies[draft.importance]
    check_content(draft.body, draft.link)
    _check_channels(draft.audience, channels)
    starts_at = max(draft.starts_at or now, now)
    expires_at = draft.expires_at or starts_at + policy.expires_after
    if expires_at <= starts_at:
        raise UserError("the announcement would expire before it begins", hint="give a later --expires")
    announcement = Announcement(
        id=new_id(now),
        code="",
        title=checked_title(draft.title),
        body=draft.body.strip(),
        importance=draft.importance,
        created_at=now,
        expires_at=expires_at,
        language=draft.language or club.language,
        link=draft.link,
        event_at=draft.event_at,
        place=draft.place,
        private=draft.audience.private,
        test=draft.test_routes is not None,
    )
    publishes = any(c.traits.publishes and c.always for c in channels.values())
    first = publishes and draft.audience.places_allowed and draft.test_routes is None
    day = starts_at.astimezone(ZoneInfo(club.timezone)).date().isoformat()
    return Ready(announcement, starts_at, starts_at + policy.site_first if first else None, day)


def checked_title(text: str) -> str:
    """A clean title. Raises UserError."""
    try:
        return clean_title(text)
    except ValueError as error:
        raise UserError(error.args[0], where="--title", hint="give a title of one short line") from None


def check_content(body: str, link: str | None) -> None:
    """Raises UserError if there is no text, or too much, or the link is none."""
    size = len(body.encode("utf-8", "surrogatepass"))
    if not body.strip():
        raise UserError(
            "the text is empty",
            where="--body",
            hint="give --body TEXT, --file FILE, or the text on standard input",
        )
    if size > MAX_BODY_BYTES:
        raise UserError(
            Phrase(
                "the text has {size} MB; at most {limit} MB are sent",
                size=f"{size / 1e6:.1f}",
                limit=MAX_BODY_BYTES // 1_000_000,
            ),
            where="--body",
            hint="shorten it and put the rest on your site, with --link",
        )
    if link and not link.startswith(("https://", "http://")):
        raise UserError(
            "the link is not an address on the web", where="--link", hint="it begins with https://"
        )


def _check_channels(audience: Audience, channels: Mapping[str, Channel]) -> None:
    unknown = sorted(audience.channels - channels.keys())
    if unknown:
        raise UserError(
            Phrase("there is no channel {name!r}", name=unknown[0]),
            where="--channel",
            hint="channels: " + ", ".join(channels),
        )


def ranks(channels: Mapping[str, Channel]) -> list[ChannelRank]:
    """The channels as planning sees them, in the order of the settings."""
    return [ChannelRank(c.name, c.traits, c.place(), c.always, c.audience_some) for c in channels.values()]


def planned(
    ledger: Ledger,
    draft: Draft,
    channels: Mapping[str, Channel],
    policies: Mapping[Importance, Policy],
    day: str,
) -> Iterator[Recipient]:
    """Every recipient with its routes, streamed: memory does not grow with the members."""
    if draft.test_routes is not None:
        yield Recipient(RecipientKind.EVERYONE, "organiser", draft.test_routes)
        return
    people = (person(m, day) for m in each_member(ledger)) if count_members(ledger) else None
    yield from plan(ranks(channels), people, policies[draft.importance], draft.audience)


def person(member: Member, day: str) -> Person:
    """A member as planning sees them, on a day (2026-12-31)."""
    return Person(
        member.id or 0,
        member.name,
        member.addresses,
        member.groups,
        member.paused_on(day),
        member.ranks,
        member.refused,
        member.timezone,
    )


def accept(
    ledger: Ledger,
    draft: Draft,
    ready: Ready,
    channels: Mapping[str, Channel],
    policies: Mapping[Importance, Policy],
) -> Stored:
    """Store the announcement with all its deliveries. Durable when it returns (P1).

    Raises KeyConflict, RepeatedContent, UserError if nobody would be told, LedgerError.
    """
    announcement = ready.announcement
    code = new_code(codes_in_use(ledger, announcement.created_at))
    moved = moved_addresses(ledger)
    # The generator of deliveries reads members in its own snapshots while one transaction writes.
    rows = _deliveries(moved_routes(planned(ledger, draft, channels, policies, ready.day), moved))
    first = next(rows, None)
    if first is None:
        raise UserError(
            "nobody would be told: no channel has a place, and there are no members",
            hint="add a place to a channel in the settings, or import members",
        )
    return store_announcement(
        ledger,
        replace(announcement, code=code),
        chain((first,), rows),
        starts_at=ready.starts_at,
        gate_until=ready.gate_until,
        key=draft.key,
        again=draft.again,
    )


def moved_routes(
    recipients: Iterable[Recipient], moved: Mapping[tuple[str, str], str]
) -> Iterator[Recipient]:
    """The recipients, with the addresses that providers have replaced by others."""
    for recipient in recipients:
        if moved:
            routes = (
                Route(r.channel, moved.get((r.channel, r.address), r.address)) for r in recipient.routes
            )
            recipient = replace(recipient, routes=tuple(routes))
        yield recipient


def _deliveries(recipients: Iterable[Recipient]) -> Iterator[PlannedDelivery]:
    for r in recipients:
        yield PlannedDelivery(r.kind, r.name, r.routes, r.member_id, r.excluded, r.timezone)


def new_id(now: datetime) -> str:
    """Names an announcement: its day, and six characters."""
    return f"{now:%Y%m%d}-" + "".join(secrets.choice(ALPHABET) for _ in range(6))


def new_code(used: set[str]) -> str:
    """Four characters, more only when four are crowded; never one that is in use."""
    length = 4
    while True:
        for _ in range(20):
            code = "".join(secrets.choice(ALPHABET) for _ in range(length)).upper()
            if code not in used:
                return code
        length += 1
