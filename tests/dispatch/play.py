"""A world comes to pass: providers with their faults, and one life of a dispatcher after another.

A killed life leaves nothing but the ledger. What really arrived is logged beside it, by the providers.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from fallback_cast.dispatch.desk import Desk
from fallback_cast.dispatch.dispatcher import RunEnd
from fallback_cast.ledger.announce import PlannedDelivery, store_announcement
from fallback_cast.ledger.open import Ledger
from fallback_cast.ledger.view import next_moment, open_ids
from fallback_cast.model.announcement import Announcement
from fallback_cast.model.channel import Pace
from fallback_cast.model.delivery import RecipientKind
from fallback_cast.model.errors import (
    AccessDenied,
    AddressRefused,
    Layer,
    LedgerError,
    MessageRefused,
    OutcomeUnknown,
    SendError,
    Throttled,
    Unavailable,
    UserError,
)
from fallback_cast.model.health import Check, Verdict
from fallback_cast.model.message import Accepted, Message
from tests.dispatch.stage import Stage, StageChannel, StageProvider, everyone, member, place
from tests.dispatch.worlds import POLICIES, Change, Facts, Fault, Kill, ProviderFacts, Stroke
from tests.virtual_time import BEGIN, VirtualLoop

P = ParamSpec("P")
T = TypeVar("T")

NO_ANSWER_S = 15.0
LONG_S = 24.0  # a slow provider's answer
RETRY_AFTER_S = (0.5, 3.0, 8.0, 40.0)


@dataclass(eq=False)
class Touch:
    """One message that touched a wire."""

    at: float
    life: int
    channel: str
    provider: str
    address: str
    key: str
    verdict: Verdict  # of this provider, at that moment
    arrived_at: float | None = None  # somebody can read it; a duplicate that was recognised does not count
    ended_at: float | None = None
    text: str = ""
    edits: bool = False
    answer: str = ""  # "accepted", the word of an error, or nothing: the life ended first


@dataclass
class Life:
    """One process: dead from one moment on, and then it writes nothing and hears nothing."""

    number: int
    kill: Kill | None
    loop: VirtualLoop
    calls: int = 0
    touches: int = 0
    dead: bool = False

    def strikes(self, stroke: Stroke, count: int) -> bool:
        return self.kill is not None and self.kill.stroke is stroke and count == max(1, int(self.kill.at))

    def die(self) -> None:
        self.dead = True
        self.loop.stop()


class MortalDesk(Desk):
    """The ledger's desk in virtual time: calls take their time, in order, and may be the last."""

    MOST_CALLS = 100_000  # a run that asks so often does not end

    def __init__(self, ledger: Ledger, life: Life, commit: float) -> None:
        super().__init__(ledger, inline=True)
        self._life, self._commit, self._turn = life, commit, asyncio.Lock()

    async def run(self, call: Callable[Concatenate[Ledger, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        async with self._turn:
            await self._pause()
            self._life.calls += 1
            assert self._life.calls < self.MOST_CALLS
            if self._life.strikes(Stroke.BEFORE_CALL, self._life.calls):
                self._life.die()
            self._check()
            done = await super().run(call, *args, **kwargs)
            if self._life.strikes(Stroke.AFTER_CALL, self._life.calls):
                self._life.die()
            await self._pause()
            self._check()
            return done

    async def _pause(self) -> None:
        if self._commit and not self._life.dead:
            await asyncio.sleep(self._commit / 2)

    def _check(self) -> None:
        if self._life.dead:
            raise LedgerError("this process is dead")


class WorldProvider(StageProvider):
    """Does as the facts say, and logs what it saw."""

    def __init__(self, play: Play, channel: str, name: str, facts: ProviderFacts) -> None:
        paces = [Pace(name, facts.interval, 2)] if facts.interval else []
        super().__init__(name, [facts.domain], paces)
        self.channel, self.facts, self._play = channel, facts, play
        self.deduplicates = facts.deduplicates
        self.max_in_flight = facts.width
        self._keys: set[str] = set()

    async def send(self, message: Message, address: str, key: str) -> Accepted:
        return await self._carry(message, address, key)

    async def edit(self, message: Message, address: str, reference: str, key: str) -> Accepted:
        assert reference
        await self._carry(message, address, key, edits=True)
        return Accepted(reference)

    async def _carry(self, message: Message, address: str, key: str, *, edits: bool = False) -> Accepted:
        touch = self._play.touch(self, address, key)
        touch.text, touch.edits = message.text.strip(), edits
        try:
            await self._answer(touch)
        except (SendError, RuntimeError) as error:
            self._end(touch, getattr(error, "word", "bug"))
            raise
        self._end(touch, "accepted")
        return Accepted(f"{self.name}/{key}")

    def _end(self, touch: Touch, answer: str) -> None:
        if not self._play.life.dead:
            touch.ended_at, touch.answer = self._play.now(), answer

    def _arrive(self, touch: Touch) -> None:
        if self._play.life.dead or (self.deduplicates and touch.key in self._keys and not touch.edits):
            return
        self._keys.add(touch.key)
        touch.arrived_at = self._play.now()

    async def _answer(self, touch: Touch) -> None:
        fault = self.facts.fault_at(touch.at)
        await asyncio.sleep(self.facts.latency / 2 if fault is not Fault.REFUSES else 0)
        luck = self._play.luck(f"{self.name}/{touch.address}/{touch.at}")
        match fault:
            case Fault.REFUSES:
                raise Unavailable("connection refused", layer=Layer.ROUTE)
            case Fault.BREAKS:
                raise Unavailable("HTTP 503")
            case Fault.THROTTLES:
                raise Throttled("HTTP 429", RETRY_AFTER_S[luck % 4])
            case Fault.NO_ADDRESS if self.refuses(touch.address):
                raise AddressRefused("550 5.1.1")
            case Fault.NO_TEXT:
                raise MessageRefused("too long")
            case Fault.DENIES:
                raise AccessDenied("HTTP 401")
            case Fault.HANGS | Fault.LOSES | Fault.BUG:
                if luck % 2:
                    self._arrive(touch)
                if fault is Fault.BUG:
                    raise RuntimeError("a bug")
                await asyncio.sleep(NO_ANSWER_S if fault is Fault.HANGS else 0)
                raise OutcomeUnknown("no answer in time")
            case _:
                self._arrive(touch)
                await asyncio.sleep(self.facts.latency / 2 + (LONG_S if fault is Fault.SLOW else 0))

    def refuses(self, address: str) -> bool:
        return self._play.luck(address) % 2 == 0

    async def probe(self) -> Sequence[Check]:
        fault = self.facts.fault_at(self._play.now())
        if fault is Fault.REFUSES:
            return [Check(Layer.ROUTE, False, 0.0, "connection refused")]
        if fault is Fault.HANGS:
            await asyncio.sleep(3600)
        await asyncio.sleep(self.facts.latency)
        if fault is Fault.BREAKS:
            return [Check(Layer.SERVICE, False, 0.0, "HTTP 503")]
        if fault is Fault.DENIES:
            return [Check(Layer.ACCOUNT, False, 0.0, "HTTP 401")]
        return [Check(Layer.SERVICE, True, self.facts.latency)]


@dataclass
class Play:
    """One world in virtual time, over the real ledger."""

    facts: Facts
    path: Path
    log: list[Touch] = field(default_factory=list)
    kills: list[float] = field(default_factory=list)  # when a life was ended
    ends: float = 0.0
    life: Life = field(init=False)  # the one that is lived
    faults: list[str] = field(default_factory=list)  # what broke where nobody looks
    changed: list[tuple[Change, float]] = field(default_factory=list)  # what took place, and when
    to_change: list[Change] = field(init=False)

    def __post_init__(self) -> None:
        channels = {
            name: StageChannel(
                name,
                *(WorldProvider(self, name, f"{name}.{n}", p) for n, p in enumerate(facts.providers)),
                local=facts.local,
                publishes=facts.publishes,
                paid=facts.paid,
                edits=facts.edits,
            )
            for name, facts in self.facts.channels.items()
        }
        self.to_change = list(self.facts.changes)
        self.stage = Stage(self.path, channels, policies=dict(POLICIES))

    def now(self) -> float:
        """As the ledger would write it, in whole microseconds."""
        return (self.stage.clock.at(self.life.loop.time()) - BEGIN).total_seconds()

    def luck(self, of: str) -> int:
        return hashlib.sha256(f"{self.facts.luck}/{of}".encode()).digest()[0]

    def touch(self, provider: WorldProvider, address: str, key: str) -> Touch:
        assert self.stage.book is not None
        verdict = next(
            b.verdict
            for b in self.stage.book.breakers()
            if (b.channel, b.provider) == (provider.channel, provider.name)
        )
        made = Touch(self.now(), self.life.number, provider.channel, provider.name, address, key, verdict)
        if not self.life.dead:
            self.log.append(made)
            self.life.touches += 1
            if self.life.strikes(Stroke.ON_THE_WIRE, self.life.touches):
                if self.luck("wire") % 2:
                    provider._arrive(made)
                self.life.die()
        return made

    # -- lives ---------------------------------------------------------------------------------

    def run(self) -> None:
        """Everything that was announced comes to its end. Raises AssertionError if it does not."""
        self._announce()
        moment = 0.0
        for number, kill in enumerate((*self.facts.kills, None)):
            moment = self._live(Life(number, kill, VirtualLoop(moment)))
            if not self.life.dead:
                break
            self.kills.append(moment)
            moment += kill.rest if kill else 0.0
        self.ends = moment

    def _announce(self) -> None:
        for number, news in enumerate(self.facts.news):
            at, policy = BEGIN + timedelta(seconds=news.starts), POLICIES[news.importance]
            announcement = Announcement(
                id=f"a{number}",
                code=f"A{number}",
                title=f"Title {number}",
                body="Body",
                importance=news.importance,
                created_at=BEGIN,
                expires_at=at + policy.expires_after,
            )
            sites = [place(name) for name, channel in self.facts.channels.items() if channel.publishes]
            gate = at + policy.site_first if sites else None
            deliveries = [*sites, *self._recipients()]
            store_announcement(self.stage.ledger, announcement, deliveries, starts_at=at, gate_until=gate)

    def change(self) -> None:
        """What is due of the organiser's changes; in a process of its own, so that no life matters."""
        while self.to_change and self.to_change[0].at <= self.now() + 1e-9:
            change = self.to_change.pop(0)
            id = f"a{change.news}"
            with suppress(UserError):  # expired or cancelled: refused in words
                if change.cancels:
                    done = self.stage.cancel(id=id)
                else:
                    done = self.stage.correct(f"Title {change.news} after {len(self.to_change)}", id=id)
                if done is not None:
                    self.changed.append((change, self.now()))

    def _recipients(self) -> list[PlannedDelivery]:
        chain = [name for name, channel in self.facts.channels.items() if not channel.publishes]
        if self.facts.people:
            return [member(person.name, *person.routes) for person in self.facts.people]
        return [everyone(*chain)] if chain else [PlannedDelivery(RecipientKind.EVERYONE, "everyone", ())]

    def _live(self, life: Life) -> float:
        """One process, until everything is settled or it is killed; returns when that was."""
        self.life, loop = life, life.loop
        asyncio.set_event_loop(loop)
        loop.set_exception_handler(lambda _, context: life.dead or self.faults.append(str(context)))
        task = loop.create_task(self._work())
        task.add_done_callback(lambda _: loop.stop())
        if life.kill is not None and life.kill.stroke is Stroke.MOMENT:
            loop.call_later(life.kill.at, life.die)
        for change in self.to_change:
            loop.call_later(max(change.at - loop.time(), 0.0), self.change)
        try:
            loop.run_forever()
            ended_at = loop.time()
            if not life.dead:
                task.result()
        finally:
            killed = life.dead
            life.dead = True  # what is cleaned up now must leave no trace
            _bury(loop)
            life.dead = killed
            asyncio.set_event_loop(None)
        assert not self.faults, self.faults
        return ended_at

    async def _work(self) -> None:
        latest = max(
            news.starts + POLICIES[news.importance].expires_after.total_seconds() for news in self.facts.news
        )
        latest = max([latest, *(change.at for change in self.facts.changes)])
        ends_by = max(latest, *self.kills, self.now()) + 60.0 if self.kills else latest + 60.0
        async with asyncio.timeout_at(ends_by):
            await self._settle()
            while self.to_change:
                await asyncio.sleep(max(self.to_change[0].at - self.now(), 0.0) + 0.01)
                await self._settle()

    async def _settle(self) -> None:
        while ids := open_ids(self.stage.ledger):
            desk = MortalDesk(self.stage.ledger, self.life, self.facts.commit)
            end = await self.stage.dispatch(owner=f"life {self.life.number}", desk=desk)
            if end is RunEnd.SETTLED:
                if not self.facts.changes:
                    assert not open_ids(self.stage.ledger), "the run says settled, the ledger does not"
                continue
            due = [at for id in ids if (at := next_moment(self.stage.ledger, id))]
            soonest = (min(due) - BEGIN).total_seconds() if due else 0.0
            await asyncio.sleep(max(soonest - self.now(), 1.0))


def _bury(loop: VirtualLoop) -> None:
    """End what a life left behind. Its desk refuses everything by now."""
    left = asyncio.all_tasks(loop)
    for task in left:
        task.cancel()
    if left:
        loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
    loop.close()
