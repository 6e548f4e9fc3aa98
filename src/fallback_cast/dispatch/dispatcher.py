"""The dispatcher: one straight path for every announcement, from the ledger to the ledger.

It reads what is active, proves the channels, lets our own site go first, and keeps one lane a
channel. Whatever happens is written down; nothing depends on this process living on.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum

from fallback_cast.dispatch.catch_up import catch_up
from fallback_cast.dispatch.clock import Clock, pause
from fallback_cast.dispatch.desk import Desk
from fallback_cast.dispatch.events import Event, Happening, Listener, nobody_listens
from fallback_cast.dispatch.flight import Flight
from fallback_cast.dispatch.journal import Journal
from fallback_cast.dispatch.lane import LEASE, Lane
from fallback_cast.dispatch.lessons import Lessons
from fallback_cast.dispatch.pacer import Pacer
from fallback_cast.dispatch.purse import Purse
from fallback_cast.health.book import HealthBook
from fallback_cast.ledger import announce, claim, memory, progress, record
from fallback_cast.ledger.claim import Active, Claim
from fallback_cast.ledger.record import Moved
from fallback_cast.model.announcement import Announcement, Importance
from fallback_cast.model.channel import Channel
from fallback_cast.model.delivery import Attempt, RecipientKind, State, Why
from fallback_cast.model.errors import LedgerError
from fallback_cast.model.health import Verdict
from fallback_cast.model.message import Message
from fallback_cast.model.policy import Policy
from fallback_cast.model.texts import Phrase
from fallback_cast.routing.decide import Close, Wait
from fallback_cast.routing.outlook import Outlook
from fallback_cast.routing.quiet import quiet_until

TICK_S = 0.25
SOON = timedelta(minutes=1)  # with nothing due within this, `send` says when it goes on, and returns
DRAIN_S = 5.0  # leaving: what is on the wire may come back; an outcome that is known tells nobody twice
CLOCK_BEHIND = timedelta(seconds=2)
COLLECT_S = 5.0  # while somebody waits for a receipt
HEAR_FOR = timedelta(minutes=1)  # most receipts that ever come have come by then


class RunEnd(StrEnum):
    """Why the dispatcher returned."""

    SETTLED = "settled"
    NOTHING_SOON = "nothing soon"


@dataclass(slots=True)
class World:
    """What the dispatcher works with."""

    channels: Mapping[str, Channel]
    policies: Mapping[Importance, Policy]
    timezone: str
    clock: Clock


class Dispatcher:
    def __init__(
        self,
        desk: Desk,
        world: World,
        book: HealthBook,
        pacer: Pacer,
        owner: str,
        listener: Listener = nobody_listens,
    ) -> None:
        self.desk, self.book, self.pacer, self.owner = desk, book, pacer, owner
        self.clock = world.clock
        self._world = world
        self._policies = {importance.value: policy for importance, policy in world.policies.items()}
        self._listener = listener
        self.journal = Journal(desk, owner, self._on_moved)
        self.journal.on_failure = lambda: self.fail(self.journal.failure)
        self.lessons = Lessons()
        caps = {name: channel.cap for name, channel in world.channels.items() if channel.cap is not None}
        self.purse = Purse(caps, world.timezone, world.clock)
        self._lanes = {name: Lane(self, channel) for name, channel in world.channels.items()}
        self._active: list[Active] = []
        self._announcements: dict[str, Announcement] = {}
        self._revisions: dict[str, int] = {}  # the newest that we know of
        self._messages: dict[tuple[str, int, str, str | None, bool], Message] = {}
        self._keys: set[str] = set()
        self._awaited_keys: set[str] = set()
        self._moved_to: dict[tuple[str, str], str] = {}
        self._usable = {name: any(p.usable for p in book.standing(name).providers) for name in world.channels}
        self._came_back: set[str] = set()
        self._verdicts: dict[str, Verdict] = {}
        self._changed = {name: asyncio.Event() for name in world.channels}
        self._doubts: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._hasten = False
        self._wake = asyncio.Event()
        self._failure: BaseException | None = None
        self._outlooks: dict[tuple[str, str | None, str | None], tuple[int, datetime, Outlook]] = {}
        self._renewed_s = 0.0
        self._cut_off = False  # our own line carries nothing, as far as the ledger was told
        self.leaving = False  # nothing more is begun
        self.soon = SOON  # `health` waits for nothing: zero
        self.collect: Callable[[], Awaitable[object]] | None = None  # takes in what came back
        self._hears_until = self.clock.now()
        book.on_change = self._on_health

    # -- the path ------------------------------------------------------------------------------

    async def run(self, watched: Collection[str] | None = None) -> RunEnd:
        """Dispatch until the watched announcements (default: all) are settled, or nothing is due soon.

        The caller holds the dispatcher lock. Raises LedgerError if the ledger cannot be written.
        """
        await self._check_clock()
        await self.book.save()
        await self.desk.run(claim.rescue, self.clock.now())
        self._moved_to = await self.desk.run(memory.moved_addresses)
        await self.purse.load(self.desk)
        tasks = [asyncio.create_task(lane.run(), name=f"lane {name}") for name, lane in self._lanes.items()]
        if self.collect is not None:
            tasks.append(asyncio.create_task(self._collect(self.collect), name="receipts"))
        for task in tasks:
            task.add_done_callback(self._lane_ended)
        try:
            return await self._oversee(watched)
        finally:
            await self._leave(tasks)

    async def _oversee(self, watched: Collection[str] | None) -> RunEnd:
        while True:
            self._wake.clear()
            await self._refresh()
            end = await self._end(watched)
            if end is not None:
                return end
            await pause(self._wake, TICK_S)
            if self._failure is not None:
                raise self._failure
            self.book.look_around()
            for lane in self._lanes.values():
                lane.watch_flights()
            await self._keep_leases()

    async def _refresh(self) -> None:
        """Read what is active; prove channels for what is new; open gates; settle what is done."""
        now = self.clock.now()
        if self._came_back:
            back, self._came_back = self._came_back, set()
            await self.journal.flush()
            await catch_up(self.desk, self._world.channels, back, now)
        await self._excuse_what_failed_by_our_line()
        found = await self.desk.run(claim.active_announcements)
        if any(a.state == "scheduled" and a.starts_at <= now for a in found):
            await self.desk.run(progress.start_due, now)
        if self._hasten:
            self._hasten = False
            await self.desk.run(claim.hasten, now)
            self._poke_all()
        for announcement in found:
            if self.outdated(announcement):
                await self._take_revision(announcement)
        self._active = [await self._through_gate(a) for a in found]
        self._forget({a.id for a in found})
        new = [a for a in self._active if a.id not in self._announcements and a.starts_at <= now]
        for announcement in new:
            await self._meet(announcement)
        if new:
            self.book.prove(self._lanes)
            self._poke_all()

    async def _excuse_what_failed_by_our_line(self) -> None:
        """It takes some seconds to know that the line is down; what failed meanwhile counts for nothing."""
        before, self._cut_off = self._cut_off, self.book.holds
        if self._cut_off and not before:
            await self.journal.flush()
            channels = [name for name, channel in self._world.channels.items() if not channel.traits.local]
            await self.desk.run(record.excuse, channels, self.book.heard_at)
            self._hasten = True  # whoever waits for something else is held from now on

    async def _meet(self, announcement: Active) -> None:
        loaded = await self.desk.run(announce.load_announcement, announcement.id)
        assert loaded is not None
        self._announcements[announcement.id] = loaded
        self._revisions[announcement.id] = loaded.revision

    async def _take_revision(self, announcement: Active) -> None:
        """It was corrected or cancelled: put down all that is not on the wire; it comes back with the new
        text. The ledger has let nothing old begin since."""
        self._revisions[announcement.id] = announcement.revision
        for lane in self._lanes.values():
            lane.recall()
        await self.journal.flush()
        self.lessons.forget(announcement.id)
        self._announcements.pop(announcement.id, None)
        self._outlooks = {key: found for key, found in self._outlooks.items() if key[0] != announcement.id}

    def _forget(self, active: Collection[str]) -> None:
        """What is settled need not be remembered here."""
        for gone in [id for id in self._announcements if id not in active]:
            del self._announcements[gone]
            self._revisions.pop(gone, None)
            self._outlooks = {key: outlook for key, outlook in self._outlooks.items() if key[0] != gone}
            self.lessons.forget(gone)
            self._messages = {key: message for key, message in self._messages.items() if key[0] != gone}

    async def _through_gate(self, announcement: Active) -> Active:
        """Our own site goes first; the others wait for it, but not for long (P7)."""
        if announcement.gate_until is None:
            return announcement
        await self.journal.flush()
        publishing = [name for name, channel in self._world.channels.items() if channel.traits.publishes]
        awaited = [name for name in publishing if self._may_publish(name)]
        waiting, page_url = await self.desk.run(progress.published_at, announcement.id, publishing, awaited)
        if waiting and announcement.gate_until > self.clock.now():
            return announcement
        await self.desk.run(progress.open_gate, announcement.id, page_url)
        self._poke_all()
        return replace(announcement, gate_until=None, page_url=page_url)

    def _may_publish(self, channel: str) -> bool:
        """Nobody waits for a platform that is judged down (P4), unless it is about to be looked at."""
        now = self.clock.now()
        standings = self.book.standing(channel).providers
        return any(s.usable or (s.retry_at is not None and s.retry_at <= now) for s in standings)

    async def _end(self, watched: Collection[str] | None) -> RunEnd | None:
        if self._busy():
            return None
        await self.journal.flush()
        due = await self.desk.run(claim.next_due, [a.id for a in self._active])
        open_ids = {id for id, _ in due}
        for announcement in self._active:
            if announcement.id not in open_ids:
                await self.desk.run(progress.settle_if_done, announcement.id, self.clock.now())
                self._wake.set()
        watched_ids = {a.id for a in self._active} if watched is None else set(watched)
        mine = {at for (id, _), at in due.items() if id in watched_ids}
        if not mine:
            return RunEnd.SETTLED
        for (_, lane), at in due.items():
            if lane in self._lanes:
                self._lanes[lane].due(at)
            else:  # its channel was removed from the settings: any lane may decide about it
                await self._adopt(lane)
        listening = self.collect is not None and self.clock.now() < self._hears_until
        if (min(mine) > self.clock.now() + self.soon and not listening) or not self._lanes:
            return RunEnd.NOTHING_SOON
        return None

    async def _collect(self, collect: Callable[[], Awaitable[object]]) -> None:
        while True:
            await asyncio.sleep(COLLECT_S)
            if self.clock.now() < self._hears_until:
                await collect()

    async def _adopt(self, lost_lane: str) -> None:
        if self._lanes:
            await self.desk.run(claim.change_lane, lost_lane, next(iter(self._lanes)))

    def _busy(self) -> bool:
        """Something is sent or about to be. Attempts that outlasted their patience hold nobody up."""
        return any(lane.busy for lane in self._lanes.values())

    async def _keep_leases(self) -> None:
        now_s = asyncio.get_running_loop().time()
        if now_s - self._renewed_s < LEASE.total_seconds() / 3:
            return
        self._renewed_s = now_s
        held = [id for lane in self._lanes.values() for id in lane.held_ids()]
        if held:
            await self.desk.run(claim.renew, held, self.owner, self.clock.now() + LEASE)

    async def _check_clock(self) -> None:
        """A clock behind the ledger's last entry would expire and order everything wrongly."""
        latest = await self.desk.run(progress.latest_entry)
        if latest is not None and latest > self.clock.now() + CLOCK_BEHIND:
            raise LedgerError(
                "this machine's clock is behind the last entry of the ledger; nothing is sent",
                where=Phrase(
                    "clock {clock} UTC, ledger {ledger} UTC",
                    clock=f"{self.clock.now():%Y-%m-%d %H:%M}",
                    ledger=f"{latest:%Y-%m-%d %H:%M}",
                ),
                hint="set the clock (timedatectl), then run: fallback-cast resume",
            )

    async def _leave(self, lanes: Iterable[asyncio.Task[None]]) -> None:
        self.leaving = True
        if self.journal.failure is None:
            for changed in self._changed.values():
                changed.set()  # pauses between short retries end
            await asyncio.gather(*(lane.drain(DRAIN_S) for lane in self._lanes.values()))
        for task in [*lanes, *self._doubts.values()]:
            task.cancel()
        await asyncio.gather(*lanes, *self._doubts.values(), return_exceptions=True)
        if self.journal.failure is None:
            with suppress(LedgerError):
                await self.journal.flush()
                await self.desk.run(memory.save_paces, self.pacer.state(), self.clock.now())
        with suppress(LedgerError):
            await self.book.close()

    # -- what the lanes ask --------------------------------------------------------------------

    def open_to(self, lane: Lane) -> list[Active]:
        """Announcements that this lane may work on now, in order of importance."""
        publishes = lane.channel.traits.publishes
        return [
            a for a in self._active if a.id in self._announcements and (a.gate_until is None or publishes)
        ]

    async def proven(self, channel: str, announcement: Active) -> None:
        await self.book.proven(channel, self.policy(announcement).probe_budget.total_seconds())

    def policy(self, announcement: Active) -> Policy:
        return self._policies[announcement.importance]

    @property
    def version(self) -> int:
        """Grows with every change of what `decide` would see."""
        return self.book.version + self.lessons.version + self.purse.version

    def outlook(
        self, announcement: Active, now: datetime, paid: str | None = None, timezone: str | None = None
    ) -> Outlook:
        """The world as `decide` sees it; the same one until somebody's standing changes.

        `paid`: the channel on which this delivery's message is paid for already, so its cap is no obstacle.
        `timezone`: the recipient's, if it is not the club's.
        """
        key = announcement.id, paid, timezone
        cached = self._outlooks.get(key)
        if cached is not None and cached[0] == self.version and now - cached[1] < timedelta(seconds=1):
            return cached[2]
        standings = {
            name: self.book.standing(name, self._ended(announcement, name, paid)) for name in self._lanes
        }
        outlook = Outlook(standings, self.book.holds, quiet_until(now, timezone or self._world.timezone))
        self._outlooks[key] = (self.version, now, outlook)
        return outlook

    def _ended(self, announcement: Active, channel: str, paid: str | None) -> str:
        """Why a channel takes no more of this announcement; empty while it does."""
        ended = self.lessons.ended(announcement.id, channel)
        if ended or channel == paid:
            return ended
        return self.purse.ended(channel, self.cost(self._world.channels[channel], announcement))

    def cost(self, channel: Channel, announcement: Active) -> Decimal | None:
        """Of one message. What cannot be rendered costs nothing: it is refused when its turn comes."""
        if not channel.traits.paid:
            return None
        try:
            return channel.cost(self.message(channel, announcement, corrects=True))
        except Exception:
            return None

    def outdated(self, announcement: Active) -> bool:
        """It was corrected or cancelled since."""
        return self._revisions.get(announcement.id, announcement.revision) != announcement.revision

    def message(self, channel: Channel, announcement: Active, *, corrects: bool) -> Message:
        """The announcement rendered for a channel, made once. Raises MessageRefused.

        `corrects`: for readers who have, or may have, an earlier text; the others need no such mark.
        """
        corrects = corrects and announcement.revision > 1
        key = (announcement.id, announcement.revision, channel.name, announcement.page_url, corrects)
        message = self._messages.get(key)
        if message is None:
            text = replace(self._announcements[announcement.id], corrects=corrects)
            message = channel.render(text, announcement.page_url)
            self._messages[key] = message
        return message

    def current_address(self, channel: str, address: str) -> str:
        return self._moved_to.get((channel, address), address) if self._moved_to else address

    async def remember_move(self, channel: str, address: str, moved_to: str) -> None:
        """The provider has given an address a new name: it holds from now on."""
        self._moved_to[channel, address] = moved_to
        await self.desk.run(memory.remember_move, channel, address, moved_to, self.clock.now())

    def take_key(self, key: str) -> bool:
        """One recipient at a time for one address (P11); the others wait for the outcome."""
        if self.await_key(key):
            return False
        self._keys.add(key)
        return True

    def await_key(self, key: str) -> bool:
        """True if an attempt with this key is going on; its end will wake whoever waits for it."""
        if key not in self._keys:
            return False
        self._awaited_keys.add(key)
        return True

    def free_key(self, key: str) -> None:
        """The outcome is durable: whoever shares the address finds it in the ledger."""
        self._keys.discard(key)
        if key in self._awaited_keys:
            self._awaited_keys.discard(key)
            self.journal.wake(key, self.clock.now())
            self._poke_all()

    def learn(self, announcement: Active, held: Claim, ended: Attempt) -> None:
        """Lessons from one outcome for other deliveries: refused texts, refused addresses."""
        if ended.error is None:
            return
        is_place = self._world.channels[ended.channel].place() == ended.address
        self.lessons.learn(
            announcement, held.delivery, ended, self.journal, self.clock.now(), is_place=is_place
        )

    def late_news(self, delivery_id: int) -> None:
        """An outcome came after the patience: whoever holds this delivery by now shall read it anew."""
        self.journal.touch(delivery_id, self.clock.now())
        for lane in self._lanes.values():
            lane.read_anew(delivery_id)

    def changed(self, channel: str) -> asyncio.Event:
        return self._changed[channel]

    def doubt_after_s(self, announcement: Active) -> float:
        return min(max(self.policy(announcement).patience.total_seconds() / 10, 2.0), 5.0)

    def doubt(self, flight: Flight) -> None:
        """A send hangs: find out, once at a time, whether its provider still works."""
        channel, provider = flight.attempt.channel, flight.attempt.provider
        if (channel, provider) in self._doubts:
            return
        budget_s = self.policy(flight.announcement).probe_budget.total_seconds()
        task = asyncio.create_task(self.book.doubt(channel, provider, flight.attempt.begun_at, budget_s))
        self._doubts[channel, provider] = task
        task.add_done_callback(lambda _: self._doubts.pop((channel, provider), None))

    def fail(self, error: BaseException | None) -> None:
        """Something that must end the run: the ledger, or a bug."""
        self._failure = self._failure or error
        self._wake.set()

    def report_bug(self, channel: str, error: Exception) -> None:
        self.tell(
            Event(
                Happening.FAILED, channel=channel, reason=f"a fault of this program ({type(error).__name__})"
            )
        )

    # -- telling -------------------------------------------------------------------------------

    def tell(self, event: Event) -> None:
        self._listener(event)

    def tell_moved_on(self, channel: str, held: Claim, to_channel: str) -> None:
        tried = [a for a in held.attempts if a.channel == channel]
        what = Happening.MOVED_ON if tried else Happening.PASSED_OVER
        last = tried[-1].reason if tried else self._why_not(channel)
        self.tell(Event(what, channel, held.delivery.recipient, to_channel, last))

    def _why_not(self, channel: str) -> str:
        providers = self.book.standing(channel).providers
        return next((p.reason for p in providers if not p.usable), "")

    def tell_waiting(self, held: Claim, wait: Wait) -> None:
        if wait.why is Why.RECEIPT:
            self._hears_until = max(self._hears_until, self.clock.now() + HEAR_FOR)
        self.tell(
            Event(Happening.WAITING, wait.lane, held.delivery.recipient, reason=wait.reason or wait.why.value)
        )

    def tell_closed(self, held: Claim, close: Close) -> None:
        reached = close.state is State.REACHED
        confirms = (
            close.via is None
            or close.via not in self._lanes
            or self._lanes[close.via].channel.traits.confirms
        )
        self.tell(
            Event(
                Happening.REACHED if reached else Happening.ENDED,
                close.via or "",
                held.delivery.recipient,
                reason="; ".join(close.reasons),
                unconfirmed=not confirms,
            )
        )
        if held.delivery.kind is RecipientKind.PLACE or not self._busy():
            self._wake.set()

    # -- reactions -----------------------------------------------------------------------------

    def _on_moved(self, moved: Moved) -> None:
        lane = self._lanes.get(moved.lane)
        if lane is not None:
            lane.due(moved.next_at)

    def _on_health(self, channel: str) -> None:
        usable = any(p.usable for p in self.book.standing(channel).providers)
        before, self._usable[channel] = self._usable.get(channel, True), usable
        verdict = self.book.verdict(channel)
        said, self._verdicts[channel] = self._verdicts.get(channel), verdict
        if verdict is Verdict.DOWN and said is not Verdict.DOWN:
            self.tell(Event(Happening.CHANNEL_DOWN, channel, reason=self._why_not(channel)))
        if usable and not before:
            self._hasten = True
            self._came_back.add(channel)
            self._changed[channel] = asyncio.Event()
            self.tell(Event(Happening.CHANNEL_BACK, channel))
            self._wake.set()
        elif before and not usable:
            self._changed[channel].set()
            self._lanes[channel].reconsider()

    def _poke_all(self) -> None:
        for lane in self._lanes.values():
            lane.poke.set()

    def _lane_ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            self.fail(task.exception())


def tally(events: Iterable[Event]) -> Counter[Happening]:
    """How often each thing happened."""
    return Counter(event.what for event in events)
