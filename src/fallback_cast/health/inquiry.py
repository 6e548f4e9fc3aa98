"""Failures wait here until it is known whose they are: the platform's, or our own line's (P6)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from fallback_cast.health.lookout import Lookout
from fallback_cast.health.signals import FAILURES, Reading
from fallback_cast.health.watch import Watch

AGAIN_S = 0.5  # references are strangers: they are not asked more often than this
LEAVING_S = 1.0  # how long leaving waits for the references

Record = Callable[[Watch, Reading, str], None]


class Inquiry:
    """Asks the references on behalf of failures, and hands them on to `record` in their order."""

    def __init__(self, lookout: Lookout, record: Record) -> None:
        self._lookout, self._record = lookout, record
        self._pending: list[tuple[Watch, Reading, str]] = []
        self._asking: asyncio.Task[None] | None = None
        self._asked_s = float("-inf")  # by the event loop's clock

    def must_ask(self, watch: Watch, reading: Reading) -> bool:
        """Before it counts: if the last look is too old, or if it may take a provider down."""
        if reading.signal not in FAILURES or not self._lookout or watch.traits.local:
            return False
        opening = watch.tally.would_open(reading.signal, reading.layer)
        waiting = any(other is watch for other, _, _ in self._pending)
        return opening or waiting or not self._lookout.knows()

    def ask(self, watch: Watch, reading: Reading, source: str) -> None:
        self._pending.append((watch, reading, source))
        if self._asking is None:
            self._asking = asyncio.get_running_loop().create_task(self._ask())

    async def _ask(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            # An answer from before the failure proves nothing.
            await self._lookout.look(anew=loop.time() - self._asked_s > AGAIN_S)
        finally:
            self._asking, self._asked_s = None, loop.time()
        pending, self._pending = self._pending, []
        for watch, reading, source in pending:
            self._record(watch, reading, source)

    async def answered(self) -> None:
        """Return when nothing waits any more."""
        if self._asking is not None:
            await self._asking

    async def close(self) -> None:
        """Give the references a moment; what is not known then is forgotten."""
        if self._asking is not None:
            await asyncio.wait({self._asking}, timeout=LEAVING_S)
        if self._asking is not None:
            self._asking.cancel()
            await asyncio.gather(self._asking, return_exceptions=True)
