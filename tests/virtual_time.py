"""An event loop whose time jumps to the next thing due: hours of a broadcast in milliseconds."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

T = TypeVar("T")

BEGIN = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)


class VirtualLoop(asyncio.SelectorEventLoop):
    """Never waits: when nothing is ready, it is already later."""

    def __init__(self, begin_s: float = 0.0) -> None:
        super().__init__()
        self._virtual = begin_s

    def time(self) -> float:
        return self._virtual

    def _run_once(self) -> None:
        if not self._ready and self._scheduled:
            self._virtual = max(self._virtual, self._scheduled[0]._when)
        elif not self._ready:
            raise RuntimeError("nothing will ever happen again in this test")
        super()._run_once()


class VirtualClock:
    """The wall clock that belongs to a virtual loop."""

    def __init__(self, begin: datetime = BEGIN) -> None:
        self.begin = begin

    def now(self) -> datetime:
        return self.at(asyncio.get_running_loop().time())

    def at(self, loop_s: float) -> datetime:
        return self.begin + timedelta(seconds=loop_s)


def run_virtually(main: Coroutine[Any, Any, T]) -> T:
    loop = VirtualLoop()
    try:
        return loop.run_until_complete(main)
    finally:
        loop.close()
