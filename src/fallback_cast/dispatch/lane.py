"""One channel's lane: claims its due deliveries, begins and sends them, and hands on what must fall back.

A delivery is considered, queued, begun (durably), carried over the wire, and written down. Under load
attempts are begun a little ahead of the wire, so that many share a commit (docs/decisions/0004).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from fallback_cast.dispatch.clock import pause
from fallback_cast.dispatch.fate import let_go, patience_left_s
from fallback_cast.dispatch.flight import Flight
from fallback_cast.dispatch.queue import RANKS, Job, Queue, Rate, rank_of
from fallback_cast.dispatch.wire import Wire
from fallback_cast.ledger.claim import Active, Claim, claim
from fallback_cast.ledger.record import AlreadyBegun, Begun, Moved
from fallback_cast.model.channel import Channel, Provider
from fallback_cast.model.delivery import Attempt, Delivery, Outcome, Route, Why
from fallback_cast.model.message import idempotency_key
from fallback_cast.model.revision import EDIT_REFUSED
from fallback_cast.routing.amend import not_due
from fallback_cast.routing.decide import Action, Send, decide

if TYPE_CHECKING:
    from fallback_cast.dispatch.dispatcher import Dispatcher

LEASE = timedelta(seconds=60)
LOOK_S = 1.0  # another process may have stored something for this lane
LEAD_S = 0.06  # begin so much ahead of the wire: the journal's linger, a claim and a commit
LEAD_AT_MOST = 300
STOCK_S = 0.5  # hold claims for so much time ahead …
STOCK = range(50, 600)  # … but so many at least and at most


class Lane:
    def __init__(self, hall: Dispatcher, channel: Channel) -> None:
        self.hall = hall
        self.channel = channel
        self.name = channel.name
        self.width = max(provider.max_in_flight for provider in channel.providers)
        self.queue = Queue()
        self.wire = Wire(hall, channel)
        self.poke = asyncio.Event()
        self._providers: dict[str, Provider] = {p.name: p for p in channel.providers}
        self._ready = asyncio.Event()
        self._idle = 0
        self._in_hand: set[int] = set()  # deliveries begun, or with a worker
        self._begun: deque[Flight] = deque()  # durable, waiting for a worker
        self._beginning = 0  # in the journal's hands
        self._by_turn = False  # the head of the queue must be begun by a worker, at its turn
        self._stale: set[int] = set()  # of those in hand: the ledger knows more of them by now
        self._rate = Rate()
        self._paced = [0] * len(RANKS)  # workers that wait for the provider's pace, by importance
        self._workers: set[asyncio.Task[None]] = set()
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
            for flight in self._begun:  # never on the wire: nothing may have gone out
                self._withdraw(flight)

    async def drain(self, within_s: float) -> None:
        """Let what is on the wire come back, but not what hangs."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + within_s
        while self.wire.awaited and loop.time() < until_s:
            self.wire.landed.clear()
            await pause(self.wire.landed, until_s - loop.time())

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

    def _stock(self) -> int:
        """How many claims this lane holds at most."""
        return max(2 * self.width, STOCK.start, min(int(self._rate.per_s * STOCK_S), STOCK.stop))

    async def _claim_some(self) -> int:
        took, stock = 0, self._stock()
        for announcement in self.hall.open_to(self):
            room = stock - self.queue.ahead(rank_of(announcement)) - len(self._in_hand)
            if room < max(1, stock // 4):
                break
            await self.hall.proven(self.name, announcement)
            now = self.hall.clock.now()
            claims = await self.hall.desk.run(
                claim, announcement, self.name, self.hall.owner, now, now + LEASE, room
            )
            for held in claims:
                self.consider(announcement, held)
            self._feed()
            took += len(claims)
        return took

    def reconsider(self) -> None:
        """The standing of this channel changed: decide anew about everything that is not on the wire."""
        begun, self._begun = self._begun, deque()
        self._begun.extend(flight for flight in begun if self._as_decided(flight))
        for job in self.queue.take_all():
            self._consider_anew(job)
        self.hall.pacer.call_back(self)
        self._feed()

    def recall(self) -> None:
        """An announcement was corrected: what is not on the wire is put down. The ledger has taken its
        deliveries back already, so nothing is moved."""
        begun, self._begun = self._begun, deque()
        for flight in begun:
            if self.hall.outdated(flight.announcement):
                self._drop_flight(flight)
            else:
                self._begun.append(flight)
        for job in self.queue.take_all():
            if self.hall.outdated(job.announcement):
                self.hall.free_key(job.key)
            else:
                self.queue.push(job)
        self.hall.pacer.call_back(self)
        self.poke.set()

    def _drop_flight(self, flight: Flight) -> None:
        """It was begun with an old text, and never touched the wire."""
        self._in_hand.discard(flight.held.delivery.id)
        key = flight.attempt.key
        self._withdraw(flight, lambda: self.hall.free_key(key))

    def read_anew(self, delivery_id: int) -> None:
        """The ledger knows more of this delivery than when it was claimed: unless it is on the wire, give
        the claim back. The next one comes with all attempts."""
        if delivery_id in self._in_hand:
            self._stale.add(delivery_id)  # whoever has it looks before it touches the wire
        for job in self.queue.take(delivery_id):
            self._give_back(job.held, job.key)

    def _is_stale(self, held: Claim, key: str) -> bool:
        """Whether the claim was just given back because it was out of date."""
        if held.delivery.id not in self._stale:
            return False
        self._stale.discard(held.delivery.id)
        self._give_back(held, key)
        return True

    def _give_back(self, held: Claim, key: str) -> None:
        """The next claim comes with all that is known by then."""
        self.hall.free_key(key)
        now = self.hall.clock.now()
        self.hall.journal.move(Moved(held.delivery.id, self.name, Why.QUEUED, now))

    def _consider_anew(self, job: Job) -> None:
        self.hall.free_key(job.key)
        if self.hall.outdated(job.announcement):
            return
        self.consider(job.announcement, job.held)

    def _key(self, announcement: Active, held: Claim, send: Send) -> str:
        return idempotency_key(announcement.id, held.delivery.revision, self.name, send.route.address)

    def consider(self, announcement: Active, held: Claim) -> None:
        """Decide about a delivery of ours: send it here, or let it go."""
        action = self._decide(announcement, held)
        if not (isinstance(action, Send) and action.route.channel == self.name):
            let_go(self.hall, self.name, held, action)
            return
        key = self._key(announcement, held, action)
        if not self.hall.take_key(key):  # another recipient behind the same address is being told (P11)
            until = self.hall.clock.now() + LEASE
            self.hall.journal.move(Moved(held.delivery.id, self.name, Why.SENDING, until, key))
            return
        self.queue.push(Job(announcement, held, action, key, self.hall.version))

    def _decide(
        self, announcement: Active, held: Claim, now: datetime | None = None, *, paid: bool = False
    ) -> Action:
        now = now or self.hall.clock.now()
        instead = not_due(held.delivery, held.earlier, now)
        if instead is not None:
            return instead
        actions = decide(
            held.delivery,
            held.attempts,
            self.hall.outlook(announcement, now, self.name if paid else None, held.delivery.timezone),
            self.hall.policy(announcement),
            now,
        )
        here = next((a for a in actions if isinstance(a, Send) and a.route.channel == self.name), None)
        return here or actions[0]

    # -- beginning -----------------------------------------------------------------------------

    def _feed(self) -> None:
        """Begin what workers are free for, and a little more; the rest waits in the queue."""
        self._by_turn = False
        if self.hall.leaving:
            return
        free = self._idle + max(0, self._room())
        while self.queue and len(self._begun) + self._beginning < free + self._lead():
            job = self.queue.head()
            if job.version != self.hall.version:
                self._consider_anew(self.queue.pop())
                continue
            if not self._nothing_in_the_way(job):
                self._by_turn = True
                self._wake_worker(rank_of(job.announcement))
                return
            if not self._pay(job):
                continue  # its cap is reached: it is considered anew
            self._begin_soon(self.queue.pop(), urgent=len(self._begun) < free)

    def _lead(self) -> int:
        """Attempts begun beyond what workers are free for; none where sends are slow."""
        return min(int(self._rate.per_s * LEAD_S), LEAD_AT_MOST)

    def _nothing_in_the_way(self, job: Job) -> bool:
        """No doubt about the provider, and no pace to wait for (if so, the pace counts it)."""
        if not self.hall.book.plainly_up(self.name, job.send.provider):
            return False
        paces = self._providers[job.send.provider].paces(job.send.route.address)
        return not paces or self.hall.pacer.take(paces)

    def _pay(self, job: Job) -> bool:
        """Reserve what the message costs; False, and decided anew, if the channel's cap is reached."""
        return self.hall.purse.take(self.name, self.hall.cost(self.channel, job.announcement))

    def _withdraw(self, flight: Flight, then: Callable[[], None] | None = None) -> None:
        """Begun, and never on the wire."""
        self.hall.purse.give_back(flight.attempt)
        self.hall.journal.withdraw(flight.attempt, then)

    def _begin_soon(self, job: Job, *, urgent: bool) -> None:
        flight = self._flight(job)
        self._beginning += 1
        self._in_hand.add(job.held.delivery.id)
        self.hall.journal.begin_soon(
            _begun(flight),
            lambda error: self._on_begun(flight, error),
            urgent=urgent,
        )

    def _on_begun(self, flight: Flight, error: Exception | None) -> None:
        """It is durable, or may not go."""
        self._beginning -= 1
        if isinstance(error, AlreadyBegun):
            self._leave_to_another(flight)
        elif error is not None:
            return  # the ledger cannot be written: the run ends
        elif self.hall.leaving:
            self._withdraw(flight)
        elif self._as_decided(flight):
            self._begun.append(flight)
            self._wake_worker(len(RANKS) - 1)
        else:
            self._feed()

    def _as_decided(self, flight: Flight) -> bool:
        """Whether a begun flight still is the right thing to do. If not, it is withdrawn and goes on anew."""
        if self.hall.outdated(flight.announcement):
            self._drop_flight(flight)
            return False
        if self._stale and self._is_stale(flight.held, flight.attempt.key):
            self._in_hand.discard(flight.held.delivery.id)
            self._withdraw(flight)
            return False
        if flight.version == self.hall.version:
            return True
        flight.version = self.hall.version
        action = self._decide(flight.announcement, flight.held, paid=True)
        if action == flight.send:
            return True
        self._in_hand.discard(flight.held.delivery.id)
        if isinstance(action, Send) and action.route == flight.send.route:
            self._withdraw(flight)
            self.queue.push(Job(flight.announcement, flight.held, action, flight.attempt.key, flight.version))
        else:
            key = flight.attempt.key
            self._withdraw(flight, lambda: self.hall.free_key(key))
            let_go(self.hall, self.name, flight.held, action)
        return False

    def _leave_to_another(self, flight: Flight) -> None:
        """Somebody else has begun the very same attempt: look again when it may have ended."""
        delivery_id = flight.held.delivery.id
        self.hall.purse.give_back(flight.attempt)
        self._in_hand.discard(delivery_id)
        self.hall.free_key(flight.attempt.key)
        if self.hall.outdated(flight.announcement):
            return
        soon = self.hall.clock.now() + timedelta(seconds=1)
        self.hall.journal.move(Moved(delivery_id, self.name, Why.SENDING, soon))

    def _flight(self, job: Job) -> Flight:
        announcement, held, send = job.announcement, job.held, job.send
        attempt = Attempt(
            key=job.key,
            number=1 + max((a.number for a in held.attempts if a.key == job.key), default=0),
            channel=self.name,
            provider=send.provider,
            address=send.route.address,
            outcome=Outcome.BEGUN,
            begun_at=self.hall.clock.now(),
            cost=self.hall.cost(self.channel, announcement),
        )
        patience_s = patience_left_s(held, attempt, self.hall.policy(announcement).patience)
        flight = Flight(held, announcement, send, attempt, patience_s, job.version)
        flight.edits = held.delivery.references.get(send.route) if self.channel.traits.edits else None
        return flight

    # -- workers -------------------------------------------------------------------------------

    def _room(self) -> int:
        """How many more workers may come."""
        return self.width + self.wire.detached - len(self._workers)

    def _wake_worker(self, rank: int) -> None:
        """What is more important finds a worker though others fill the lane waiting for the pace."""
        if self._idle:
            self._ready.set()
        elif self._room() + sum(self._paced[rank + 1 :]) > 0:
            worker = asyncio.get_running_loop().create_task(self._work())
            self._workers.add(worker)
            worker.add_done_callback(self._worker_ended)

    def _worker_ended(self, worker: asyncio.Task[None]) -> None:
        self._workers.discard(worker)
        if not worker.cancelled() and worker.exception() is not None:
            self.hall.fail(worker.exception())

    async def _work(self) -> None:
        while not self.hall.leaving:
            if self._begun:
                flight = self._begun.popleft()
                if self._as_decided(flight):
                    await self._carry(flight)
            elif self._by_turn and self.queue:
                await self._deliver(self.queue.pop())
            else:
                await self._until_ready()
                continue
            self.hall.pacer.look()
            self._feed()
            if len(self.queue) < self._stock() // 2:
                self.poke.set()

    async def _until_ready(self) -> None:
        if self._beginning:
            self.hall.journal.hurry()
        self._ready.clear()
        self._idle += 1
        try:
            self._feed()
            await self._ready.wait()
        finally:
            self._idle -= 1

    async def _carry(self, flight: Flight) -> None:
        """Over the wire with what is begun; several providers may follow."""
        try:
            await self._send_until_it_leaves(await self._land(flight))
        finally:
            self._put_down(flight.held.delivery.id)

    async def _deliver(self, job: Job) -> None:
        self._in_hand.add(job.held.delivery.id)
        try:
            await self._send_until_it_leaves(job)
        finally:
            self._put_down(job.held.delivery.id)

    def _put_down(self, delivery_id: int) -> None:
        self._in_hand.discard(delivery_id)
        self._stale.discard(delivery_id)

    async def _send_until_it_leaves(self, job: Job | None) -> None:
        """Send until this delivery leaves the lane: several providers may be tried in a row."""
        while job is not None and not self.hall.leaving:
            send = job.send
            went = await self._keep_pace(job.announcement, self._providers[send.provider], send.route.address)
            if self.hall.outdated(job.announcement):
                self.hall.free_key(job.key)
                return
            if self._stale and self._is_stale(job.held, job.key):
                return
            if not went or self.hall.version != job.version:
                version, action = self.hall.version, self._decide(job.announcement, job.held)
                if action != send:
                    self._consider_anew(job)
                    return
                job = replace(job, version=version)
                if not went:
                    continue
            if not self._pay(job):
                self._consider_anew(job)
                return
            flight = await self._begin(job)
            if flight is not None and self.hall.outdated(flight.announcement):
                self._drop_flight(flight)
                return
            job = await self._land(flight) if flight is not None else None

    async def _land(self, flight: Flight) -> Job | None:
        """Send, write down how it ended, and what becomes of the delivery; or what to send here next."""
        held, key = flight.held, flight.attempt.key
        ended = await self.wire.carry(flight)
        if ended.outcome is Outcome.FAILED:
            self.hall.purse.give_back(ended)
        self._rate.count(asyncio.get_running_loop().time())
        if flight.detached or self.hall.outdated(flight.announcement):
            self.hall.journal.end(ended, lambda: self.hall.free_key(key))
            self.hall.late_news(held.delivery.id)
            return None
        stale = any(a.outcome is Outcome.BEGUN for a in held.attempts)
        held = Claim(_without_edit(held.delivery, ended), (*held.attempts, ended), held.earlier)
        self.hall.learn(flight.announcement, held, ended)
        action = self._decide(flight.announcement, held, ended.ended_at)
        if isinstance(action, Send) and action.route == flight.send.route and not stale:
            self.hall.journal.end(ended)
            return Job(flight.announcement, held, action, key, self.hall.version)
        self.hall.journal.end(ended, lambda: self.hall.free_key(key))
        let_go(self.hall, self.name, held, action, ended.ended_at)
        return None

    async def _keep_pace(self, announcement: Active, provider: Provider, address: str) -> bool:
        """Wait for the provider's limits; False: the channel's standing changed meanwhile."""
        paces = provider.paces(address)
        if not paces:
            return True
        rank, waits = rank_of(announcement), True

        def board() -> bool:
            nonlocal waits
            if len(self._workers) - self._idle - sum(self._paced) >= self.width + self.wire.detached:
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

    async def _begin(self, job: Job) -> Flight | None:
        """Write the attempt down, durably, before the wire is touched."""
        flight = self._flight(job)
        flight.trial = self.hall.book.begin(self.name, job.send.provider)
        try:
            await self.hall.journal.begin(_begun(flight))
        except AlreadyBegun:
            if flight.trial:
                self.hall.book.trial_ended(self.name, job.send.provider)
            self._leave_to_another(flight)
            return None
        return flight

    # -- watching ------------------------------------------------------------------------------

    def watch_flights(self) -> None:
        """Let deliveries go on whose attempt outlasts the patience, and doubt what hangs."""
        now_s = asyncio.get_running_loop().time()
        for flight in list(self.wire.flights):
            if not flight.detached and now_s - flight.begun_s >= flight.patience_s:
                self._detach(flight)
            elif self.wire.hanging(flight, now_s):
                self.hall.doubt(flight)

    def _detach(self, flight: Flight) -> None:
        self.wire.detach(flight)
        self._in_hand.discard(flight.held.delivery.id)
        if self.hall.outdated(flight.announcement):
            return
        held = Claim(flight.held.delivery, (*flight.held.attempts, flight.attempt), flight.held.earlier)
        let_go(self.hall, self.name, held, self._decide(flight.announcement, held))
        self._feed()
        if self._begun:
            self._wake_worker(len(RANKS) - 1)


def _begun(flight: Flight) -> Begun:
    delivery = flight.held.delivery
    return Begun(flight.attempt, delivery.announcement_id, delivery.id, delivery.revision)


def _without_edit(delivery: Delivery, ended: Attempt) -> Delivery:
    """What cannot be edited gets the correction as a new message."""
    if ended.error != EDIT_REFUSED:
        return delivery
    there = Route(ended.channel, ended.address)
    return replace(delivery, references={r: ref for r, ref in delivery.references.items() if r != there})
