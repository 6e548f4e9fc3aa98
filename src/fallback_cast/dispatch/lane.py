"""One channel's lane: claims its due deliveries, sends them, and hands on what must fall back."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from fallback_cast.dispatch.attempt import attempt_send
from fallback_cast.dispatch.clock import pause
from fallback_cast.dispatch.events import Event, Happening
from fallback_cast.ledger.claim import Active, Claim, claim
from fallback_cast.ledger.record import AlreadyBegun, Begun, Closed, Moved
from fallback_cast.model.channel import Channel, Provider
from fallback_cast.model.delivery import Attempt, Outcome, RecipientKind, State, Why
from fallback_cast.model.errors import OutcomeUnknown, SendError
from fallback_cast.model.message import Accepted, Message, idempotency_key
from fallback_cast.routing.decide import Action, Close, Send, Wait, decide

if TYPE_CHECKING:
    from fallback_cast.dispatch.dispatcher import Dispatcher

LEASE = timedelta(seconds=60)
LOOK_S = 1.0  # another process may have stored something for this lane


@dataclass(slots=True, eq=False)
class Flight:
    """An attempt on the wire."""

    held: Claim
    announcement: Active
    attempt: Attempt
    begun_s: float
    patience_s: float
    detached: bool = False  # patience has ended: the delivery goes on without it


class Lane:
    def __init__(self, hall: Dispatcher, channel: Channel) -> None:
        self.hall = hall
        self.channel = channel
        self.name = channel.name
        self.width = max(provider.max_in_flight for provider in channel.providers)
        self.queue: deque[tuple[Active, Claim, Send]] = deque()
        self.flights: set[Flight] = set()
        self.poke = asyncio.Event()
        self._providers: dict[str, Provider] = {p.name: p for p in channel.providers}
        self._ready = asyncio.Event()
        self._idle = 0
        self._workers: set[asyncio.Task[None]] = set()
        self._last_success_s = 0.0
        self._due_at: datetime | None = None

    # -- claiming ------------------------------------------------------------------------------

    async def run(self) -> None:
        """Claim and send until cancelled."""
        try:
            while True:
                self.poke.clear()
                took = await self._claim_some()
                if not took:
                    await pause(self.poke, self._rest_s())
        finally:
            for worker in self._workers:
                worker.cancel()
            await asyncio.gather(*self._workers, return_exceptions=True)

    def held_ids(self) -> list[int]:
        """Deliveries whose lease this lane must keep."""
        queued = [held.delivery.id for _, held, _ in self.queue]
        return queued + [flight.held.delivery.id for flight in self.flights if not flight.detached]

    def due(self, at: datetime) -> None:
        """Something comes to this lane then."""
        if self._due_at is None or at < self._due_at:
            self._due_at = at
        self.poke.set()

    def _rest_s(self) -> float:
        if self._due_at is None:
            return LOOK_S
        left = (self._due_at - self.hall.clock.now()).total_seconds()
        self._due_at = None
        return min(max(left, 0.01), LOOK_S)

    async def _claim_some(self) -> int:
        took = 0
        for announcement in self.hall.open_to(self):
            room = 2 * self.width - len(self.queue) - len(self.flights)
            if room < max(1, self.width // 2):
                break
            await self.hall.proven(self.name, announcement)
            now = self.hall.clock.now()
            claims = await self.hall.desk.run(
                claim, announcement, self.name, self.hall.owner, now, now + LEASE, min(room, 200)
            )
            for held in claims:
                self.consider(announcement, held)
            took += len(claims)
        return took

    def reconsider(self) -> None:
        """The standing of this channel changed: decide anew about everything that only waits here."""
        waiting, self.queue = self.queue, deque()
        for announcement, held, send in waiting:
            self.hall.free_key(self._key(announcement, held, send))
            self.consider(announcement, held)

    def _key(self, announcement: Active, held: Claim, send: Send) -> str:
        return idempotency_key(announcement.id, held.delivery.revision, self.name, send.route.address)

    def consider(self, announcement: Active, held: Claim) -> None:
        """Decide about a delivery of ours: send it here, or let it go."""
        action = self._decide(announcement, held)
        if not (isinstance(action, Send) and action.route.channel == self.name):
            self._let_go(announcement, held, action)
            return
        key = self._key(announcement, held, action)
        if not self.hall.take_key(key):  # another recipient behind the same address is being told (P11)
            until = self.hall.clock.now() + LEASE
            self.hall.journal.move(Moved(held.delivery.id, self.name, Why.SENDING, until, key))
            return
        self.queue.append((announcement, held, action))
        self._ready.set()
        self._enough_workers()

    def _decide(self, announcement: Active, held: Claim) -> Action:
        actions = decide(
            held.delivery,
            held.attempts,
            self.hall.outlook(announcement),
            self.hall.policy(announcement),
            self.hall.clock.now(),
        )
        here = next((a for a in actions if isinstance(a, Send) and a.route.channel == self.name), None)
        return here or actions[0]

    def _let_go(self, announcement: Active, held: Claim, action: Action) -> None:
        """Write what becomes of a delivery that is not sent here now."""
        now, delivery = self.hall.clock.now(), held.delivery
        match action:
            case Send():
                self.hall.tell_moved_on(self.name, held, action.route.channel)
                self.hall.journal.move(Moved(delivery.id, action.route.channel, Why.QUEUED, now))
            case Wait():
                flying = next((a.key for a in held.attempts if a.outcome is Outcome.BEGUN), None)
                self.hall.tell_waiting(held, action)
                self.hall.journal.move(Moved(delivery.id, action.lane, action.why, action.until, flying))
            case Close():
                self._close(held, action, now)

    def _close(self, held: Claim, action: Close, now: datetime) -> None:
        delivery, tried = held.delivery, {a.channel for a in held.attempts}
        ranks = [route.channel for route in delivery.routes]
        better = ranks[: ranks.index(action.via)] if action.via in ranks else ranks
        fell_back = (
            action.state is State.REACHED and bool(better) and delivery.kind is not RecipientKind.PLACE
        )
        skipped = tuple(dict.fromkeys(name for name in better if name not in tried))
        self.hall.journal.close_delivery(
            Closed(delivery.id, action.state, now, action.via, action.reasons, fell_back, skipped)
        )
        self.hall.tell_closed(held, action)

    # -- sending -------------------------------------------------------------------------------

    def _enough_workers(self) -> None:
        if self._idle == 0 and len(self._workers) < self.width + sum(f.detached for f in self.flights):
            worker = asyncio.get_running_loop().create_task(self._work())
            self._workers.add(worker)
            worker.add_done_callback(self._worker_ended)

    def _worker_ended(self, worker: asyncio.Task[None]) -> None:
        self._workers.discard(worker)
        if not worker.cancelled() and worker.exception() is not None:
            self.hall.fail(worker.exception())

    async def _work(self) -> None:
        while True:
            while not self.queue:
                self._ready.clear()
                self._idle += 1
                try:
                    await self._ready.wait()
                finally:
                    self._idle -= 1
            announcement, held, send = self.queue.popleft()
            await self._deliver(announcement, held, send)
            if len(self.queue) < self.width // 2:
                self.poke.set()

    async def _deliver(self, announcement: Active, held: Claim, send: Send) -> None:
        """Send until this delivery leaves the lane: several providers may be tried in a row."""
        key = self._key(announcement, held, send)
        while True:
            version = self.hall.book.version
            provider = self._providers[send.provider]
            await self.hall.pacer.let_go(provider.paces(send.route.address))
            if self.hall.book.version != version and self._decide(announcement, held) != send:
                self.hall.free_key(key)
                self.consider(announcement, held)
                return
            flight = await self._begin(announcement, held, send, key)
            if flight is None:
                self.hall.free_key(key)
                return
            ended = await self._fly(flight, provider)
            if flight.detached:
                self.hall.journal.end(ended, lambda: self.hall.free_key(key))
                self.hall.journal.touch(held.delivery.id, self.hall.clock.now())
                return
            held = Claim(held.delivery, (*held.attempts, ended))
            self.hall.learn(announcement, held, ended)
            action = self._decide(announcement, held)
            if isinstance(action, Send) and action.route == send.route:
                self.hall.journal.end(ended)
                send = action
                continue
            self.hall.journal.end(ended, lambda: self.hall.free_key(key))
            self._let_go(announcement, held, action)
            return

    async def _begin(self, announcement: Active, held: Claim, send: Send, key: str) -> Flight | None:
        """Write the attempt down, durably, before the wire is touched."""
        tries = [a.number for a in held.attempts if a.key == key]
        attempt = Attempt(
            key=key,
            number=max(tries, default=0) + 1,
            channel=self.name,
            provider=send.provider,
            address=send.route.address,
            outcome=Outcome.BEGUN,
            begun_at=self.hall.clock.now(),
        )
        self.hall.book.begin(self.name, send.provider)
        try:
            await self.hall.journal.begin(Begun(attempt, announcement.id, held.delivery.id))
        except AlreadyBegun:
            now = self.hall.clock.now()
            self.hall.journal.move(
                Moved(held.delivery.id, self.name, Why.SENDING, now + timedelta(seconds=1))
            )
            return None
        patience_s = self._patience_left_s(announcement, held, attempt)
        return Flight(held, announcement, attempt, asyncio.get_running_loop().time(), patience_s)

    def _patience_left_s(self, announcement: Active, held: Claim, attempt: Attempt) -> float:
        earlier = [
            a.begun_at for a in held.attempts if a.channel == self.name and a.address == attempt.address
        ]
        began = min(earlier, default=attempt.begun_at)
        left = began + self.hall.policy(announcement).patience - attempt.begun_at
        return max(left.total_seconds(), 0.5)

    async def _fly(self, flight: Flight, provider: Provider) -> Attempt:
        """The attempt itself; returns how it ended. Never raises a SendError."""
        self.flights.add(flight)
        begun = flight.attempt
        try:
            message = self.hall.message(self.channel, flight.announcement)
            accepted = await self._send(flight, provider, message, begun.address)
        except SendError as error:
            return self._failed(begun, error)
        except asyncio.CancelledError:
            # We leave in the middle: what was on the wire may have gone out.
            self.hall.journal.end(self._failed(begun, OutcomeUnknown("the program was stopped in mid-send")))
            raise
        except Exception as error:  # a bug in a channel: the recipient still gets the next route
            self.hall.report_bug(self.name, error)
            return self._failed(begun, OutcomeUnknown(f"a fault of this program ({type(error).__name__})"))
        finally:
            self.flights.discard(flight)
        self._last_success_s = asyncio.get_running_loop().time()
        self.hall.book.accepted(self.name, provider.name)
        return replace(
            begun,
            outcome=Outcome.DELIVERED if accepted.delivered else Outcome.ACCEPTED,
            ended_at=self.hall.clock.now(),
            reference=accepted.reference,
            note=accepted.note,
            possible_duplicate=_may_repeat(flight.held.attempts),
        )

    async def _send(self, flight: Flight, provider: Provider, message: Message, address: str) -> Accepted:
        traits = self.channel.traits
        return await attempt_send(
            provider,
            message,
            self.hall.current_address(self.name, address),
            flight.attempt.key,
            recognised=traits.deduplicates or provider.deduplicates,
            patience_s=flight.patience_s,
            may_retry=lambda: traits.retries_briefly and self.hall.book.usable(self.name, provider.name),
            on_failure=lambda error: self._learn_at_once(provider, error),
            sleep=self._sleep_unless_changed,
        )

    async def _sleep_unless_changed(self, seconds: float) -> None:
        """A short retry's pause ends early when the channel turns out to be down."""
        await pause(self.hall.changed(self.name), seconds)

    def _learn_at_once(self, provider: Provider, error: SendError) -> None:
        self.hall.book.failed(self.name, provider.name, error)
        self.hall.tell(Event(Happening.FAILED, channel=self.name, reason=error.reason))

    def _failed(self, begun: Attempt, error: SendError) -> Attempt:
        now = self.hall.clock.now()
        retry_after = getattr(error, "retry_after", None)
        return replace(
            begun,
            outcome=Outcome.UNKNOWN if isinstance(error, OutcomeUnknown) else Outcome.FAILED,
            ended_at=now,
            error=error.word,
            reason=error.reason,
            layer=error.layer,
            place_only=error.scope == "place",
            not_before=None if retry_after is None else now + timedelta(seconds=retry_after),
        )

    # -- watching ------------------------------------------------------------------------------

    def watch_flights(self) -> None:
        """Let deliveries go on whose attempt outlasts the patience, and doubt what hangs."""
        now_s = asyncio.get_running_loop().time()
        for flight in list(self.flights):
            age_s = now_s - flight.begun_s
            if not flight.detached and age_s >= flight.patience_s:
                self._detach(flight)
            elif (
                age_s >= self.hall.doubt_after_s(flight.announcement)
                and self._last_success_s < flight.begun_s
            ):
                self.hall.doubt(self.name, flight.attempt.provider, flight.announcement)

    def _detach(self, flight: Flight) -> None:
        flight.detached = True
        held = Claim(flight.held.delivery, (*flight.held.attempts, flight.attempt))
        self._let_go(flight.announcement, held, self._decide(flight.announcement, held))
        if self.queue:
            self._enough_workers()


def _may_repeat(attempts: Sequence[Attempt]) -> bool:
    """Accepted now, after one that may have gone out: perhaps somebody was told twice."""
    return any(a.outcome in (Outcome.UNKNOWN, Outcome.BEGUN) for a in attempts)
