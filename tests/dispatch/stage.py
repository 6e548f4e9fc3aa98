"""A stage for scenarios: the real ledger and dispatcher, providers that do as the story says."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from fallback_cast.dispatch import amend
from fallback_cast.dispatch.amend import Change
from fallback_cast.dispatch.desk import Desk
from fallback_cast.dispatch.dispatcher import Dispatcher, RunEnd, World
from fallback_cast.dispatch.events import Event
from fallback_cast.dispatch.pacer import Pacer
from fallback_cast.health.book import HealthBook
from fallback_cast.health.lookout import Reference
from fallback_cast.ledger import announce, memory, progress
from fallback_cast.ledger.amend import Revised
from fallback_cast.ledger.announce import PlannedDelivery
from fallback_cast.ledger.open import Ledger, open_ledger
from fallback_cast.model.announcement import Announcement, Importance
from fallback_cast.model.channel import Channel, Pace, Provider, Traits
from fallback_cast.model.delivery import RecipientKind, Route
from fallback_cast.model.errors import Layer, SendError, Unavailable
from fallback_cast.model.health import Check
from fallback_cast.model.message import Accepted, Message
from fallback_cast.model.policy import DEFAULT_POLICIES, Policy
from tests.virtual_time import BEGIN, VirtualClock

Behaviour = Callable[[str, int], Awaitable[Accepted]]


class StageProvider(Provider):
    """A provider that follows a script: `behave(address, number)` answers or raises."""

    def __init__(self, name: str, domains: Sequence[str] = (), paces: Sequence[Pace] = ()) -> None:
        self.name = name
        self.failure_domains = frozenset(domains or (name,))
        self.sent: list[tuple[str, str]] = []  # (address, key) that touched the wire
        self.told: list[tuple[float, str]] = []  # (moment, address) of those who were told
        self.texts: list[tuple[str, str]] = []  # (address, text) of what arrived
        self.edits: list[tuple[str, str, str]] = []  # (address, reference, text) of what was edited
        self.edit_fault: SendError | None = None
        self.probes = 0
        self.fault: SendError | None = None  # set: every send and probe fails with it
        self.hangs = False  # set: sends and probes never answer
        self.probe_s = 0.0
        self.behave: Behaviour | None = None
        self._paces = tuple(paces)

    def paces(self, address: str) -> Sequence[Pace]:
        return self._paces

    async def send(self, message: Message, address: str, key: str) -> Accepted:
        self.sent.append((address, key))
        if self.hangs:
            await asyncio.sleep(15.0)
            from fallback_cast.model.errors import OutcomeUnknown

            raise OutcomeUnknown("no answer in time")
        if self.fault is not None:
            raise self.fault
        if self.behave is not None:
            accepted = await self.behave(address, len(self.sent))
        else:
            await asyncio.sleep(0.01)
            accepted = Accepted(reference=f"{self.name}-{len(self.sent)}")
        self.told.append((asyncio.get_running_loop().time(), address))
        self.texts.append((address, message.text))
        return accepted

    async def edit(self, message: Message, address: str, reference: str, key: str) -> Accepted:
        self.sent.append((address, key))
        await asyncio.sleep(0.01)
        fault = self.edit_fault or self.fault
        if fault is not None:
            raise fault
        self.edits.append((address, reference, message.text))
        return Accepted(reference)

    async def probe(self) -> Sequence[Check]:
        self.probes += 1
        await asyncio.sleep(self.probe_s)
        if self.hangs:
            await asyncio.sleep(3600)
        if self.fault is not None:
            return [Check(self.fault.layer or Layer.SERVICE, False, 0.0, self.fault.reason)]
        return [Check(Layer.SERVICE, True, self.probe_s)]


class StageChannel(Channel):
    kind = "stage"

    def __init__(self, name: str, *providers: StageProvider, **traits: object) -> None:
        self.name = name
        self.providers: Sequence[StageProvider] = providers or (StageProvider(name),)
        self.traits = Traits(**traits)  # type: ignore[arg-type]
        self.always = self.traits.publishes

    @property
    def provider(self) -> StageProvider:
        return self.providers[0]

    def normalise(self, address: str) -> str:
        return address

    def render(self, announcement: Announcement, page_url: str | None = None) -> Message:
        mark = "CANCELLED " if announcement.cancelled else ""
        if announcement.revision > 1 and announcement.corrects:
            mark = mark or "CORRECTION "
        return Message(f"{mark}{announcement.title} {page_url or ''}")


def refused() -> Unavailable:
    return Unavailable("connection refused", layer=Layer.ROUTE)


@dataclass
class Stage:
    """One ledger, some channels, and runs of the dispatcher over them."""

    path: Path
    channels: Mapping[str, StageChannel]
    policies: dict[Importance, Policy] = field(default_factory=lambda: dict(DEFAULT_POLICIES))
    events: list[Event] = field(default_factory=list)
    clock: VirtualClock = field(default_factory=VirtualClock)
    fingerprints: dict[str, str] = field(default_factory=dict)
    references: Sequence[Reference] = ()
    book: HealthBook | None = None  # of the last run
    _ledger: Ledger | None = None

    @property
    def ledger(self) -> Ledger:
        if self._ledger is None:
            self._ledger = open_ledger(self.path)
        return self._ledger

    def announce(
        self,
        deliveries: Sequence[PlannedDelivery],
        importance: Importance = Importance.URGENT,
        *,
        id: str = "a1",
        at: datetime | None = None,
        gate_s: float | None = None,
        **facts: object,
    ) -> str:
        at = at or BEGIN
        announcement = Announcement(
            id=id,
            code=id.upper(),
            title=f"Title {id}",
            body="Body",
            importance=importance,
            created_at=at,
            expires_at=at + self.policies[importance].expires_after,
            **facts,  # type: ignore[arg-type]
        )
        gate = None if gate_s is None else at + timedelta(seconds=gate_s)
        announce.store_announcement(self.ledger, announcement, deliveries, starts_at=at, gate_until=gate)
        return id

    async def dispatch(
        self, watched: Sequence[str] | None = None, owner: str = "stage", desk: Desk | None = None
    ) -> RunEnd:
        desk = desk or Desk(self.ledger, inline=True)
        book = self.book = self.open_book(desk)
        world = World(self.channels, self.policies, "UTC", self.clock)
        pacer = Pacer(self.clock, memory.load_paces(self.ledger))
        return await Dispatcher(desk, world, book, pacer, owner, self.events.append).run(watched)

    def correct(self, title: str, id: str = "a1") -> Revised | None:
        """As the command does, now."""
        change, now = Change(title=title), self.clock.now()
        return amend.correct(self.ledger, id, change, self.channels, self.policies, now)

    def cancel(self, why: str | None = None, id: str = "a1") -> Revised | None:
        return amend.cancel(self.ledger, id, why, self.channels, self.policies, self.clock.now())

    def open_book(self, desk: Desk) -> HealthBook:
        async def save(breakers: Sequence[memory.Breaker], seen: Sequence[object]) -> None:
            await desk.run(memory.save_health, "stage", breakers, seen)  # type: ignore[arg-type]

        about = [(name, p.name) for name, channel in self.channels.items() for p in channel.providers]
        about += [("", reference.name) for reference in self.references]
        return HealthBook(
            self.channels,
            memory.load_breakers(self.ledger),
            self.clock,
            self.fingerprints,
            save,
            evidence=memory.load_evidence(self.ledger, about),
            references=self.references,
            machine="stage",
        )

    def counts(self, id: str = "a1") -> progress.Counts:
        return progress.count(self.ledger, id)

    def close(self) -> None:
        if self._ledger is not None:
            self._ledger.close()
            self._ledger = None


def member(name: str, *routes: tuple[str, str]) -> PlannedDelivery:
    return PlannedDelivery(RecipientKind.MEMBER, name, tuple(Route(c, a) for c, a in routes), member_id=1)


def place(channel: str) -> PlannedDelivery:
    return PlannedDelivery(RecipientKind.PLACE, channel, (Route(channel, "place"),))


def everyone(*channels: str) -> PlannedDelivery:
    return PlannedDelivery(RecipientKind.EVERYONE, "everyone", tuple(Route(c, "place") for c in channels))


async def until(condition: Callable[[], bool], within_s: float = 100.0) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(within_s):
            while not condition():  # noqa: ASYNC110 - the story's own state has no event
                await asyncio.sleep(0.05)
    assert condition()


def without_probe_budget(policy: Policy) -> Policy:
    return replace(policy, probe_budget=timedelta(0))
