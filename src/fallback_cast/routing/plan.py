"""Who is told and by which routes, in which order (design §4). Pure: members come in one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from fallback_cast.model.channel import Traits
from fallback_cast.model.delivery import RecipientKind, Route
from fallback_cast.model.policy import Policy

NOT_IN_THE_GROUP = "not in the group"
NOT_ON_THE_CHANNEL = "no address on the chosen channel"
NO_CONSENT = "no consent"
LEFT_OUT = frozenset({NOT_IN_THE_GROUP, NOT_ON_THE_CHANNEL})  # on purpose: nobody need be telephoned


@dataclass(frozen=True, slots=True)
class ChannelRank:
    """What planning must know of a channel; they stand in the order of the settings."""

    name: str
    traits: Traits
    place: str | None
    always: bool
    audience_some: bool


@dataclass(frozen=True, slots=True)
class Recipient:
    """One recipient with its routes; `excluded` says why there will be none."""

    kind: RecipientKind
    name: str
    routes: tuple[Route, ...]
    member_id: int | None = None
    excluded: str | None = None
    no_consent: tuple[str, ...] = ()  # channels with an address that may not be used
    timezone: str | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """What planning must know of a member: `place` as an address means membership of the place."""

    id: int
    name: str
    addresses: Mapping[str, str]
    groups: tuple[str, ...] = ()
    paused: bool = False
    ranks: tuple[str, ...] = ()  # channels in the member's own order, before the others
    refused: frozenset[str] = frozenset()  # channels without consent
    timezone: str | None = None


@dataclass(frozen=True, slots=True)
class Audience:
    """To whom: some groups only, without public places, or only some channels."""

    groups: frozenset[str] = frozenset()
    private: bool = False
    public: bool = False
    channels: frozenset[str] = frozenset()

    @property
    def places_allowed(self) -> bool:
        return self.public or not (self.private or self.groups)


def ranked(channels: Sequence[ChannelRank], policy: Policy, audience: Audience) -> list[ChannelRank]:
    """The channels in the order of this importance: the policy's own order first; money last if asked."""
    chosen = [c for c in channels if not audience.channels or c.name in audience.channels]
    if policy.paid == "no":
        chosen = [c for c in chosen if not c.traits.paid]
    place = {name: position for position, name in enumerate(policy.order)}
    chosen.sort(key=lambda c: place.get(c.name, len(place)))
    if policy.paid == "last":
        chosen.sort(key=lambda c: c.traits.paid)
    return chosen


def plan(
    channels: Sequence[ChannelRank], people: Iterable[Person] | None, policy: Policy, audience: Audience
) -> Iterator[Recipient]:
    """Places that get it for themselves first, then everyone (without members) or each member."""
    order = ranked(channels, policy, audience)
    places = [c for c in order if c.place is not None and audience.places_allowed]
    only_place = len(places) == 1 and people is None
    alone = [c for c in places if (c.always or c.audience_some) and not only_place]
    # Our own ground goes first, whatever its rank (P7).
    for channel in sorted(alone, key=lambda c: not c.always):
        yield Recipient(RecipientKind.PLACE, channel.name, (Route(channel.name, channel.place or ""),))
    if people is None:
        chain = tuple(Route(c.name, c.place or "") for c in places if c not in alone)
        if chain:
            yield Recipient(RecipientKind.EVERYONE, "everyone", chain)
        return
    for person in people:
        own = _own_order(order, person.ranks, policy) if person.ranks else order
        yield _member(person, own, audience)


def _own_order(order: Sequence[ChannelRank], ranks: Sequence[str], policy: Policy) -> Sequence[ChannelRank]:
    """The member's own order; whether money comes last is the club's to say."""
    place = {name: position for position, name in enumerate(ranks)}
    own = sorted(order, key=lambda c: place.get(c.name, len(place)))
    return sorted(own, key=lambda c: c.traits.paid) if policy.paid == "last" else own


def _member(person: Person, order: Sequence[ChannelRank], audience: Audience) -> Recipient:
    kind = RecipientKind.MEMBER
    if person.paused:
        return Recipient(kind, person.name, (), person.id, "paused")
    if audience.groups and not audience.groups.intersection(person.groups):
        return Recipient(kind, person.name, (), person.id, NOT_IN_THE_GROUP)
    routes, refused = [], []
    for channel in order:
        address = person.addresses.get(channel.name)
        if address and channel.name in person.refused:
            refused.append(channel.name)
            continue
        if address == "place":
            address = channel.place if audience.places_allowed else None
        if address:
            routes.append(Route(channel.name, address))
    without = NOT_ON_THE_CHANNEL if audience.channels else "no address on any channel"
    excluded = None if routes else NO_CONSENT if refused else without
    return Recipient(kind, person.name, tuple(routes), person.id, excluded, tuple(refused), person.timezone)
