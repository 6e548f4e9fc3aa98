"""What an announcement would do if everything works, counted from its recipients one by one. Pure.

The same rules as `decide` in a calm world: the first route that can take it, in rank order; an address that
several people share gets one message (P11); beyond a cap the next route. Memory holds counts, the first
names, and the addresses that are shared: it does not grow with the members.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from fallback_cast.model.delivery import RecipientKind, Route
from fallback_cast.routing.plan import LEFT_OUT, Recipient

KEPT = 100  # names of each list; beyond, people are counted
NO_ADDRESS = "no address on any channel"
CAPPED = "the cap of this day is reached"


@dataclass(slots=True)
class Names:
    """How many, and the first of them by name."""

    count: int = 0
    first: list[str] = field(default_factory=list)

    def add(self, name: str) -> None:
        self.count += 1
        if len(self.first) < KEPT:
            self.first.append(name)

    def take(self, others: Names) -> None:
        self.count += others.count
        self.first += others.first[: KEPT - len(self.first)]


@dataclass(slots=True)
class Share:
    """One channel's part: recipients, and messages, of which a shared address needs one."""

    first: int = 0  # recipients whose first usable route it is, and who find room on it
    possible: int = 0  # recipients who have it among their usable routes
    messages: int = 0  # to send if everything works
    most: int = 0  # to send if every other channel fails
    no_consent: int = 0  # members with an address on it that may not be used
    samples: list[str] = field(default_factory=list)  # two addresses that are written to


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What stands in the way of routes before anything is tried."""

    shared: Collection[Route] = frozenset()  # addresses that more than one recipient may have
    suppressed: Collection[Route] = frozenset()
    refused: Mapping[str, str] = field(default_factory=dict)  # channels that cannot show it, and why
    room: Mapping[str, int] = field(default_factory=dict)  # messages that a cap still allows
    reach_all: bool = False


@dataclass(slots=True)
class Forecast:
    """The counts. `by_routes` has who depends on which channels, for their failure domains."""

    circumstances: Circumstances = field(default_factory=Circumstances)
    total: int = 0
    shares: defaultdict[str, Share] = field(default_factory=lambda: defaultdict(Share))
    left_out: Counter[str] = field(default_factory=Counter)
    unreachable: defaultdict[str, Names] = field(default_factory=lambda: defaultdict(Names))
    by_routes: defaultdict[tuple[str, ...], Names] = field(default_factory=lambda: defaultdict(Names))
    capped: Counter[str] = field(default_factory=Counter)  # recipients whom a cap keeps from a channel
    _written: set[Route] = field(default_factory=set)  # of the shared addresses
    _possible: set[Route] = field(default_factory=set)

    def count(self, recipients: Iterable[Recipient]) -> Forecast:
        for recipient in recipients:
            self.total += 1
            self._add(recipient)
        return self

    @property
    def reached(self) -> int:
        return self.total - self.left_out.total() - sum(names.count for names in self.unreachable.values())

    def _add(self, recipient: Recipient) -> None:
        for name in recipient.no_consent:
            self.shares[name].no_consent += 1
        if not recipient.routes:
            reason = recipient.excluded or NO_ADDRESS
            if reason in LEFT_OUT:
                self.left_out[reason] += 1
            else:
                self.unreachable[reason].add(recipient.name)
            return
        spent: list[str] = []
        usable = [route for route in recipient.routes if self._usable(recipient, route, spent)]
        for route in usable:
            self._count_possible(route)
        if usable and recipient.kind is not RecipientKind.PLACE:
            self.by_routes[tuple(route.channel for route in usable)].add(recipient.name)
        if not self._send(usable, spent):
            self.unreachable["; ".join(spent)].add(recipient.name)

    def _usable(self, recipient: Recipient, route: Route, spent: list[str]) -> bool:
        around = self.circumstances
        if route.channel in around.refused:
            spent.append(f"{route.channel}: message refused ({around.refused[route.channel]})")
        elif route in around.suppressed:
            spent.append(f"{route.channel}: address suppressed")
        else:
            return True
        return False

    def _count_possible(self, route: Route) -> None:
        share = self.shares[route.channel]
        share.possible += 1
        if route in self.circumstances.shared:
            if route in self._possible:
                return
            self._possible.add(route)
        share.most += 1

    def _send(self, usable: list[Route], spent: list[str]) -> bool:
        """Write to the first route with room, or to all that have it; False if there is none."""
        sent = False
        for route in usable:
            if not self._write(route):
                spent.append(f"{route.channel}: {CAPPED}")
                self.capped[route.channel] += 1
                continue
            if not sent:
                self.shares[route.channel].first += 1
            sent = True
            if not self.circumstances.reach_all:
                break
        return sent

    def _write(self, route: Route) -> bool:
        """One message, unless the address has it already; False if the cap allows no more."""
        share, shared = self.shares[route.channel], route in self.circumstances.shared
        if shared and route in self._written:
            return True
        room = self.circumstances.room.get(route.channel)
        if room is not None and share.messages >= room:
            return False
        if shared:
            self._written.add(route)
        share.messages += 1
        if len(share.samples) < 2:
            share.samples.append(route.address)
        return True
