"""Writing down attempts and fates in groups: whatever comes while one commit runs shares the next.

A begun attempt waits for its commit before the wire is touched. If the ledger cannot be written,
sending stops: every later call raises the LedgerError.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime

from fallback_cast.dispatch.desk import Desk
from fallback_cast.ledger.record import AlreadyBegun, Batch, Begun, Closed, Moved, Suppressed, write_batch
from fallback_cast.model.delivery import Attempt

GROUP = 200  # rows that are worth a commit at once
LINGER_S = 0.004  # under load, wait this long for more rows; a single message never waits


class Journal:
    def __init__(self, desk: Desk, owner: str, on_moved: Callable[[Moved], None]) -> None:
        self._desk = desk
        self._owner = owner
        self._on_moved = on_moved
        self._batch = Batch()
        self._waiters: list[asyncio.Future[None]] = []  # one for each begun row of the batch
        self._flushers: list[asyncio.Future[None]] = []
        self._afterwards: list[Callable[[], None]] = []
        self._writer: asyncio.Task[None] | None = None
        self._busy = False
        self.failure: Exception | None = None
        self.on_failure: Callable[[], None] = lambda: None

    async def begin(self, begun: Begun) -> None:
        """Durable when it returns. Raises AlreadyBegun or LedgerError: then nothing may be sent."""
        self._batch.begun.append(begun)
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        self._write_soon()
        await waiter

    def end(self, attempt: Attempt, then: Callable[[], None] | None = None) -> None:
        """An attempt has ended; `then` is called once that is durable."""
        self._batch.ended.append(attempt)
        if then is not None:
            self._afterwards.append(then)
        self._write_soon()

    def move(self, moved: Moved) -> None:
        self._batch.moved.append(moved)
        self._write_soon()

    def close_delivery(self, closed: Closed) -> None:
        self._batch.closed.append(closed)
        self._write_soon()

    def touch(self, delivery_id: int, at: datetime) -> None:
        """Late news about a delivery that nobody holds: it is due now."""
        self._batch.touched.append((delivery_id, at))
        self._write_soon()

    def wake(self, key: str, at: datetime) -> None:
        """Others wait for the attempt with this key: they are due now."""
        self._batch.woken.append((key, at))
        self._write_soon()

    def suppress(self, suppressed: Suppressed) -> None:
        self._batch.suppressed.append(suppressed)

    def unsuppress(self, channel: str, address: str) -> None:
        """What this broadcast suppressed was no fault of the address."""
        self._batch.suppressed = [
            s for s in self._batch.suppressed if (s.channel, s.address) != (channel, address)
        ]
        self._batch.unsuppressed.append((channel, address))

    async def flush(self) -> None:
        """Return when everything said so far is durable. Raises LedgerError."""
        if self.failure is not None:
            raise self.failure
        if self._writer is not None and not self._writer.done():
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._flushers.append(waiter)
            await waiter

    def _write_soon(self) -> None:
        if self.failure is not None:
            self._fail_waiters(self.failure)
        elif self._writer is None or self._writer.done():
            self._writer = asyncio.get_running_loop().create_task(self._write())

    async def _write(self) -> None:
        while len(self._batch) or self._flushers:
            if self._busy and not self._flushers and len(self._batch) < GROUP:
                await asyncio.sleep(LINGER_S)
            batch, self._batch = self._batch, Batch()
            waiters, self._waiters = self._waiters, []
            flushers, self._flushers = self._flushers, []
            afterwards, self._afterwards = self._afterwards, []
            self._busy = len(batch) > 4
            try:
                if len(batch):
                    await self._write_group(batch, waiters)
            except Exception as error:  # a LedgerError, or a bug: either way nothing more may be sent
                self._waiters = [*waiters, *flushers, *self._waiters, *self._flushers]
                self._stop(error)
                return
            for flusher in flushers:
                _tell(flusher, None)
            for call in afterwards:
                call()
            for moved in batch.moved:
                self._on_moved(moved)

    async def _write_group(self, batch: Batch, waiters: list[asyncio.Future[None]]) -> None:
        try:
            await self._desk.run(write_batch, batch, self._owner)
        except AlreadyBegun:
            await self._write_one_by_one(batch, waiters)
        else:
            for waiter in waiters:
                _tell(waiter, None)

    async def _write_one_by_one(self, batch: Batch, waiters: list[asyncio.Future[None]]) -> None:
        begun, batch.begun = batch.begun, []
        await self._desk.run(write_batch, batch, self._owner)
        for one, waiter in zip(begun, waiters, strict=True):
            try:
                await self._desk.run(write_batch, Batch(begun=[one]), self._owner)
            except AlreadyBegun as error:
                _tell(waiter, error)
            else:
                _tell(waiter, None)

    def _stop(self, error: Exception) -> None:
        self.failure = error
        self._fail_waiters(error)
        self.on_failure()

    def _fail_waiters(self, error: Exception) -> None:
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            _tell(waiter, error)


def _tell(waiter: asyncio.Future[None], error: Exception | None) -> None:
    if waiter.done():
        return
    if error is None:
        waiter.set_result(None)
    else:
        waiter.set_exception(error)
