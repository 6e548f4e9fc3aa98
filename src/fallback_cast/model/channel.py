"""The contract of a channel: what dispatch and health may expect of every kind.

A **channel** is a configured way to reach people; it renders and knows addresses. Its ranked
**providers** (relays, gateways; most channels have one) send once and probe. Nothing here retries,
sleeps, ranks or stores.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal, Self

from fallback_cast.model.announcement import Announcement
from fallback_cast.model.health import Check
from fallback_cast.model.message import Accepted, Message
from fallback_cast.model.receipt import Receipt


@dataclass(frozen=True, slots=True, kw_only=True)
class Traits:
    """What the dispatcher must know of a channel's nature (the table of design §7)."""

    deduplicates: bool = False  # the same key twice is one message: an unknown outcome may be sent again
    deduplicates_for: float | None = None  # seconds the key is remembered; None: as long as it matters
    reports_back: bool = False  # receipts can arrive here, so a policy may wait for one
    confirms: bool = True  # False: an accepted message proves little (Apprise), shown unconfirmed
    paid: bool = False  # costs money per message
    rings: bool = False  # wakes people: quiet hours hold it
    local: bool = False  # works without our internet line (P6)
    interactive: bool = False  # needs a person at the terminal
    edits: bool = False  # what was published is changed in place by its reference: `Provider.edit`
    publishes: bool = False  # gives the announcement a public page whose link others carry
    retries_briefly: bool = True  # False: short retries inside the attempt make no sense


@dataclass(frozen=True, slots=True)
class Pace:
    """A provider's limit: one message each `interval` seconds under `key`, `burst` at once."""

    key: str
    interval: float
    burst: int = 1


@dataclass(frozen=True, slots=True)
class Cap:
    """What a channel may send in one day of the club, all announcements together. None: no limit."""

    max_per_day: int | None = None  # messages
    max_cost: Decimal | None = None  # money


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A server that a provider is reached by: what probes look at, layer by layer."""

    host: str
    port: int
    secure: bool = False  # TLS from the first byte


class Provider(ABC):
    """A server or company that carries a channel's messages."""

    name: str
    failure_domains: frozenset[str] = frozenset()
    endpoints: Sequence[Endpoint] = ()  # none: nothing of it is reached over a network
    max_in_flight: int = 50
    deduplicates: bool = False  # this provider does, even if others of the channel do not

    def paces(self, address: str) -> Sequence[Pace]:
        """Limits that a message to this address must respect, widest first."""
        return ()

    @abstractmethod
    async def send(self, message: Message, address: str, key: str) -> Accepted:
        """Send once, with at most one request on the wire. Raises one of the six SendErrors.

        `address` is normalised. `key` goes on the wire where the provider takes one.
        """

    async def edit(self, message: Message, address: str, reference: str, key: str) -> Accepted:
        """Make what was accepted as `reference` say this instead, with at most one request on the wire.

        Only channels whose traits say `edits` have it. The same text again is accepted: an edit may always
        be repeated. Raises one of the six SendErrors; MessageRefused if this one cannot be edited (any
        more): then the correction goes out as a new message. The answer's `reference` is what the next
        edit is to be given.
        """
        raise NotImplementedError(f"{type(self).__name__} does not edit")

    @abstractmethod
    async def probe(self) -> Sequence[Check]:
        """Show that a send would work, over a new connection, messaging nobody.

        Checks come in the order of layers and end with the first that failed. Never raises for a
        platform's fault; the caller sets the deadline and may cancel.
        """

    async def close(self) -> None:
        """Give up connections. Sends may not follow."""
        return


class Channel(ABC):
    """A configured way to reach people."""

    name: str
    kind: str
    traits: Traits
    providers: Sequence[Provider]
    always: bool = False  # gets every announcement for itself, first, outside any chain
    audience_some: bool = False  # not everybody reads its place: the chain goes on after it
    catch_up: Literal["post", "skip"] = "post"  # after an outage: what its place missed
    cap: Cap | None = None  # beyond it the next channel is taken
    mail_domain: str | None = None  # the domain that its mail comes from: mail of a dead domain is refused

    def place(self) -> str | None:
        """The address of the shared destination, normalised, if the settings name one."""
        return None

    @abstractmethod
    def normalise(self, address: str) -> str:
        """One spelling for each address. Raises ValueError, in words for people, if it is none."""

    @abstractmethod
    def render(self, announcement: Announcement, page_url: str | None = None) -> Message:
        """The announcement for this channel's size and markup; `page_url` is its own page, if readable.

        Raises MessageRefused if it cannot be shown here at all.
        """

    def cost(self, message: Message) -> Decimal | None:
        """What sending this to one address costs, in the club's money; None if no price is known."""
        return None

    async def collect(self, take: Callable[[Sequence[Receipt]], Awaitable[None]]) -> None:
        """Hand over what has come back since the last time; it is forgotten once `take` has returned.

        Raises a SendError if the place where it comes back to cannot be read.
        """
        return

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for provider in self.providers:
            await provider.close()
