"""One channel's lane: claims its due deliveries, sends them, and hands on what must fall back."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from fallback_cast.dispatch.attempt import attempt_send
from fallback_cast.dispatch.clock import pause
from fallback_cast.dispatch.events import Event, Happening
from fallback_cast.dispatch.flight import Flight, accepted_attempt, failed_attempt
from fallback_cast.dispatch.queue import RANKS, Job, Queue, rank_of
from fallback_cast.ledger.claim import Active, Claim, claim
from fallback_cast.ledger.record import AlreadyBegun, Begun, Closed, Moved
from fallback_cast.model.channel import Channel, Provider
from fallback_cast.model.delivery import Attempt, Outcome, RecipientKind, State, Why
from fallback_cast.model.errors import AddressRefused, MessageRefused, OutcomeUnknown, SendError
from fallback_cast.model.message import Accepted, Message, idempotency_key
from fallback_cast.routing.decide import Action, Close, Send, Wait, decide

if TYPE_CHECKING:
    from fallback_cast.dispatch.dispatcher import Dispatcher

LEASE = timedelta(seconds=60)
LOOK_S = 1.0  # another process may have stored something for this lane


class Lane:
    def __init__(self, hall: Dispatcher, channel: Channel) -> None:
        self.hall = hall
        self.channel = channel
        self.name = channel.name
        self.width = max(provider.max_in_flight for provider in channel.providers)
        self.queue = Queue()
        self.flights: set[Flight] = set()
        self.poke = asyncio.Event()
        self._providers: dict[str, Provider] = {p.name: p for p in channel.providers}
        self._ready = asyncio.Event()
        self._idle = 0
        self._in_hand: set[int] = set()  # deliveries that a worker is busy with
        self._paced = [0] * len(RANKS)  # workers that wait for the provider's pace, by importance
        self._detached = 0
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

    @property
    def busy(self) -> bool:
        """Something is sent or about to be. Attempts that outlasted their patience hold nobody up."""
        return bool(self._in_hand) or len(self.queue) > 0

    def held_ids(self) -> list[int]:
        """Deliveries whose lease this lane must keep."""
        return [*(job.held.delivery.id for job in self.queue), *self._in_hand]

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
            room = 2 * self.width - self.queue.ahead(rank_of(announcement)) - len(self.flights)
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
        for job in self.queue.take_all():
            self.hall.free_key(self._key(job.announcement, job.held, job.send))
            self.consider(job.announcement, job.held)
        self.hall.pacer.call_back(self)

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
        self.queue.push(Job(announcement, held, action))
        self._ready.set()
        self._enough_workers(rank_of(announcement))

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
                if action.route.channel != self.name:
                    self.hall.tell_moved_on(self.name, held, action.route.channel)
                self.hall.journal.move(Moved(delivery.id, action.route.channel, Why.QUEUED, now))
            case Wait():
                flying = next((a.key for a in held.attempts if a.outcome is Outcome.BEGUN), None)
                until = action.until
                if flying is not None and not self.hall.await_key(flying):
                    until = min(until, now + timedelta(seconds=LOOK_S))  # it has ended since: read it again
                self.hall.tell_waiting(held, action)
                self.hall.journal.move(Moved(delivery.id, action.lane, action.why, until, flying))
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

    def _enough_workers(self, rank: int) -> None:
        """What is more important finds a worker though others fill the lane waiting for the pace."""
        waiting = sum(self._paced[rank + 1 :])
        if self._idle == 0 and len(self._workers) - waiting < self.width + self._detached:
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
            job = self.queue.pop()
            await self._deliver(job)
            self.hall.pacer.look()
            if len(self.queue) < self.width // 2:
                self.poke.set()

    async def _deliver(self, job: Job) -> None:
        self._in_hand.add(job.held.delivery.id)
        try:
            await self._send_until_it_leaves(job.announcement, job.held, job.send)
        finally:
            self._in_hand.discard(job.held.delivery.id)

    async def _send_until_it_leaves(self, announcement: Active, held: Claim, send: Send) -> None:
        """Send until this delivery leaves the lane: several providers may be tried in a row."""
        key = self._key(announcement, held, send)
        while True:
            version = self.hall.book.version
            provider = self._providers[send.provider]
            went = await self._keep_pace(announcement, provider, send.route.address)
            if not went or self.hall.book.version != version:
                action = self._decide(announcement, held)
                if action != send:
                    self.hall.free_key(key)
                    self.consider(announcement, held)
                    return
                if not went:
                    continue
            flight = await self._begin(announcement, held, send, key)
            if flight is None:
                self.hall.free_key(key)
                return
            ended = await self._fly(flight, provider)
            if flight.detached:
                self.hall.journal.end(ended, lambda: self.hall.free_key(key))
                self.hall.journal.touch(held.delivery.id, self.hall.clock.now())
                return
            stale = any(a.outcome is Outcome.BEGUN for a in held.attempts)
            held = Claim(held.delivery, (*held.attempts, ended))
            self.hall.learn(announcement, held, ended)
            action = self._decide(announcement, held)
            if isinstance(action, Send) and action.route == send.route and not stale:
                self.hall.journal.end(ended)
                send = action
                continue
            self.hall.journal.end(ended, lambda: self.hall.free_key(key))
            self._let_go(announcement, held, action)
            return

    async def _keep_pace(self, announcement: Active, provider: Provider, address: str) -> bool:
        """Wait for the provider's limits; False: the channel's standing changed meanwhile."""
        paces = provider.paces(address)
        if not paces:
            return True
        rank, waits = rank_of(announcement), True

        def board() -> bool:
            nonlocal waits
            if len(self._workers) - self._idle - sum(self._paced) >= self.width + self._detached:
                return False
            self._paced[rank] -= 1
            waits = False
            return True

        self._paced[rank] += 1
        try:
            return await self.hall.pacer.let_go(paces, rank=rank, may_board=board, holder=self)
        finally:
            if waits:
                self._paced[rank] -= 1

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
        trial = self.hall.book.begin(self.name, send.provider)
        try:
            await self.hall.journal.begin(Begun(attempt, announcement.id, held.delivery.id))
        except AlreadyBegun:
            if trial:
                self.hall.book.trial_ended(self.name, send.provider)
            now = self.hall.clock.now()
            self.hall.journal.move(
                Moved(held.delivery.id, self.name, Why.SENDING, now + timedelta(seconds=1))
            )
            return None
        patience_s = self._patience_left_s(announcement, held, attempt)
        return Flight(held, announcement, attempt, asyncio.get_running_loop().time(), patience_s, trial)

    def _patience_left_s(self, announcement: Active, held: Claim, attempt: Attempt) -> float:
        earlier = [
            a.begun_at
            for a in held.attempts
            if a.channel == self.name
            and a.address == attempt.address
            and a.begun_at >= held.delivery.opened_at
        ]
        began = min(earlier, default=attempt.begun_at)
        left = began + self.hall.policy(announcement).patience - attempt.begun_at
        return max(left.total_seconds(), 0.5)

    async def _fly(self, flight: Flight, provider: Provider) -> Attempt:
        """The attempt itself; returns how it ended. Never raises a SendError."""
        self.flights.add(flight)
        begun, clock = flight.attempt, self.hall.clock
        try:
            accepted = await self._send(flight, provider, self._message(flight.announcement))
        except SendError as error:
            return failed_attempt(begun, error, clock.now())
        except asyncio.CancelledError:
            # We leave in the middle: what was on the wire may have gone out.
            stopped = OutcomeUnknown("the program was stopped in mid-send")
            self.hall.journal.end(failed_attempt(begun, stopped, clock.now()))
            raise
        except Exception as error:  # a bug in a channel: the recipient still gets the next route
            self.hall.report_bug(self.name, error)
            return failed_attempt(begun, OutcomeUnknown(_fault(error)), clock.now())
        finally:
            self.flights.discard(flight)
            self._detached -= flight.detached
            if flight.trial:
                self.hall.book.trial_ended(self.name, provider.name)
        self._last_success_s = asyncio.get_running_loop().time()
        self.hall.book.accepted(self.name, provider.name)
        return accepted_attempt(flight, accepted, clock.now())

    def _message(self, announcement: Active) -> Message:
        """Raises MessageRefused, also for a bug in rendering: surely nothing went out."""
        try:
            return self.hall.message(self.channel, announcement)
        except SendError:
            raise
        except Exception as error:
            self.hall.report_bug(self.name, error)
            raise MessageRefused(_fault(error)) from None

    async def _send(self, flight: Flight, provider: Provider, message: Message) -> Accepted:
        address = self.hall.current_address(self.name, flight.attempt.address)
        try:
            return await self._send_to(flight, provider, message, address)
        except AddressRefused as error:
            if error.moved_to is None or error.moved_to == address:
                raise
            await self.hall.remember_move(self.name, flight.attempt.address, error.moved_to)
            return await self._send_to(flight, provider, message, error.moved_to)

    async def _send_to(self, flight: Flight, provider: Provider, message: Message, address: str) -> Accepted:
        traits = self.channel.traits
        return await attempt_send(
            provider,
            message,
            address,
            flight.attempt.key,
            recognised=traits.deduplicates or provider.deduplicates,
            patience_s=flight.patience_s,
            may_retry=lambda: self._may_retry(flight, provider),
            on_failure=lambda error: self._learn_at_once(provider, error),
            sleep=self._sleep_unless_changed,
        )

    def _may_retry(self, flight: Flight, provider: Provider) -> bool:
        """Not against an outage, and not once the patience is over: the next route may be on its way."""
        age_s = asyncio.get_running_loop().time() - flight.begun_s
        patient = not flight.detached and age_s < flight.patience_s
        return (
            patient
            and self.channel.traits.retries_briefly
            and self.hall.book.usable(self.name, provider.name)
        )

    async def _sleep_unless_changed(self, seconds: float) -> None:
        """A short retry's pause ends early when the channel turns out to be down."""
        await pause(self.hall.changed(self.name), seconds)

    def _learn_at_once(self, provider: Provider, error: SendError) -> None:
        self.hall.book.failed(self.name, provider.name, error)
        self.hall.tell(Event(Happening.FAILED, channel=self.name, reason=error.reason))

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
                self.hall.doubt(flight)

    def _detach(self, flight: Flight) -> None:
        flight.detached = True
        self._detached += 1
        self._in_hand.discard(flight.held.delivery.id)
        held = Claim(flight.held.delivery, (*flight.held.attempts, flight.attempt))
        self._let_go(flight.announcement, held, self._decide(flight.announcement, held))
        if self.queue:
            self._enough_workers(len(RANKS) - 1)


def _fault(error: Exception) -> str:
    return f"a fault of this program ({type(error).__name__})"
