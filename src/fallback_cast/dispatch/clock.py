"""The clock, handed in so that tests can turn it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """`now` is the wall clock in UTC; waiting uses the event loop's monotonic one."""

    def now(self) -> datetime: ...


class SystemClock:
    def now(self) -> datetime:
        return datetime.now(UTC)


async def pause(event: asyncio.Event, seconds: float) -> None:
    """Wait until the event is set or the time is up."""
    if seconds > 0 and not event.is_set():
        try:
            async with asyncio.timeout(seconds):
                await event.wait()
        except TimeoutError:
            return
