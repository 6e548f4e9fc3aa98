"""Writing down attempts and fates in groups: whatever comes while one commit runs shares the next.

What somebody waits for is written at once; outcomes wait for company, but not for long. A begun attempt
may touch the wire only once it is durable. If the ledger cannot be written, sending stops: every later
call raises or reports the LedgerError.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from fallback_cast.dispatch.clock import pause
from fallback_cast.dispatch.desk import Desk
from fallback_cast.ledger.record import AlreadyBegun, Batch, Begun, Closed, Moved, Suppressed, write_batch
from fallback_cast.model.delivery import Attempt

GROUP = 200  # outcomes that are worth a commit at once (design §9)
LINGER_S = 0.02  # nobody waits for outcomes: they are written together with what comes within this

Told = Callable[[Exception | None], None]


class Journal:
    def __init__(self, desk: Desk, owner: str, on_moved: Callable[[Moved], None]) -> None:
        self._desk = desk
        self._owner = owner
        self._on_moved = on_moved
        self._batch = Batch()
        self._begun_tell: list[Told] = []  # one for each begun row of the batch
        self._flushers: list[asyncio.Future[None]] = []
        self._afterwards: list[Callable[[], None]] = []
        self._writer: asyncio.Task[None] | None = None
        self._hurry = asyncio.Event()
        self.failure: Exception | None = None
        self.on_failure: Callable[[], None] = lambda: None

    async def begin(self, begun: Begun) -> None:
        """Durable when it returns. Raises AlreadyBegun or LedgerError: then nothing may be sent."""
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.begin_soon(begun, lambda error: _settle(waiter, error), urgent=True)
        await waiter

    def begin_soon(self, begun: Begun, tell: Told, *, urgent: bool) -> None:
        """As `begin`, but `tell` hears when it is durable (None), or why nothing may be sent."""
        if self.failure is not None:
            tell(self.failure)
            return
        self._batch.begun.append(begun)
        self._begun_tell.append(tell)
        self._write_soon(urgent=urgent)

    def withdraw(self, attempt: Attempt, then: Callable[[], None] | None = None) -> None:
        """It was begun and never touched the wire: as if it had not been; `then` once that is durable."""
        self._batch.withdrawn.append(attempt)
        if then is not None:
            self._afterwards.append(then)
        self._write_soon(urgent=True)

    def end(self, attempt: Attempt, then: Callable[[], None] | None = None) -> None:
        """An attempt has ended; `then` is called once that is durable."""
        self._batch.ended.append(attempt)
        if then is not None:
            self._afterwards.append(then)
        self._write_soon()

    def move(self, moved: Moved) -> None:
        self._batch.moved.append(moved)
        self._write_soon(urgent=True)

    def close_delivery(self, closed: Closed) -> None:
        self._batch.closed.append(closed)
        self._write_soon()

    def touch(self, delivery_id: int, at: datetime) -> None:
        """Late news about a delivery that nobody holds: it is due now."""
        self._batch.touched.append((delivery_id, at))
        self._write_soon(urgent=True)

    def wake(self, key: str, at: datetime) -> None:
        """Others wait for the attempt with this key: they are due now."""
        self._batch.woken.append((key, at))
        self._write_soon(urgent=True)

    def suppress(self, suppressed: Suppressed) -> None:
        self._batch.suppressed.append(suppressed)

    def unsuppress(self, channel: str, address: str) -> None:
        """What this broadcast suppressed was no fault of the address."""
        self._batch.suppressed = [
            s for s in self._batch.suppressed if (s.channel, s.address) != (channel, address)
        ]
        self._batch.unsuppressed.append((channel, address))

    def hurry(self) -> None:
        """Somebody waits for what was said so far."""
        self._hurry.set()

    async def flush(self) -> None:
        """Return when everything said so far is durable. Raises LedgerError."""
        if self.failure is not None:
            raise self.failure
        if self._writer is not None and not self._writer.done():
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._flushers.append(waiter)
            self._hurry.set()
            await waiter

    def _write_soon(self, *, urgent: bool = False) -> None:
        if self.failure is not None:
            self._fail_waiters(self.failure)
            return
        if urgent or len(self._batch.ended) >= GROUP:
            self._hurry.set()
        if self._writer is None or self._writer.done():
            self._writer = asyncio.get_running_loop().create_task(self._write())

    async def _write(self) -> None:
        while len(self._batch) or self._flushers:
            await pause(self._hurry, LINGER_S)
            self._hurry.clear()
            batch, self._batch = self._batch, Batch()
            tell, self._begun_tell = self._begun_tell, []
            flushers, self._flushers = self._flushers, []
            afterwards, self._afterwards = self._afterwards, []
            try:
                if len(batch):
                    await self._write_group(batch, tell)
            except Exception as error:  # a LedgerError, or a bug: either way nothing more may be sent
                self._begun_tell = [*tell, *self._begun_tell]
                self._flushers = [*flushers, *self._flushers]
                self._stop(error)
                return
            for flusher in flushers:
                _settle(flusher, None)
            for call in afterwards:
                call()
            for moved in batch.moved:
                self._on_moved(moved)

    async def _write_group(self, batch: Batch, tell: list[Told]) -> None:
        try:
            await self._desk.run(write_batch, batch, self._owner)
        except AlreadyBegun:
            await self._write_one_by_one(batch, tell)
        else:
            for told in tell:
                told(None)

    async def _write_one_by_one(self, batch: Batch, tell: list[Told]) -> None:
        begun, batch.begun = batch.begun, []
        await self._desk.run(write_batch, batch, self._owner)
        for one, told in zip(begun, tell, strict=True):
            try:
                await self._desk.run(write_batch, Batch(begun=[one]), self._owner)
            except AlreadyBegun as error:
                told(error)
            else:
                told(None)

    def _stop(self, error: Exception) -> None:
        self.failure = error
        self._fail_waiters(error)
        self.on_failure()

    def _fail_waiters(self, error: Exception) -> None:
        tell, self._begun_tell = self._begun_tell, []
        flushers, self._flushers = self._flushers, []
        for told in tell:
            told(error)
        for flusher in flushers:
            _settle(flusher, error)


def _settle(waiter: asyncio.Future[None], error: Exception | None) -> None:
    if waiter.done():
        return
    if error is None:
        waiter.set_result(None)
    else:
        waiter.set_exception(error)
