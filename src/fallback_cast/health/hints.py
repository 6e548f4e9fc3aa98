"""Reads the status feeds of platforms on behalf of the book: hints, never waited for by a broadcast."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import Protocol


class Word(Protocol):
    """What a feed said: a signal if it reports an incident."""

    @property
    def signal(self) -> object | None: ...
    @property
    def detail(self) -> str: ...


class Feed(Protocol):
    async def look(self) -> Word: ...


class Hints:
    """`tell` hears of each channel whose feed reports an incident, and what the feed says."""

    def __init__(self, feeds: Mapping[str, Feed], tell: Callable[[str, str], None]) -> None:
        self._feeds, self._tell = feeds, tell
        self._reading: asyncio.Task[None] | None = None

    def begin(self, channels: Iterable[str]) -> None:
        """Read in the background, unless that is going on."""
        wanted = [name for name in channels if name in self._feeds]
        if wanted and self._reading is None:
            self._reading = asyncio.get_running_loop().create_task(self.read(wanted))
            self._reading.add_done_callback(self._ended)

    async def read(self, channels: Iterable[str]) -> None:
        """Read these channels' feeds, all at once."""
        wanted = [name for name in channels if name in self._feeds]
        words = await asyncio.gather(*(self._feeds[name].look() for name in wanted))
        for name, word in zip(wanted, words, strict=True):
            if word.signal is not None:
                self._tell(name, word.detail)

    def _ended(self, reading: asyncio.Task[None]) -> None:
        self._reading = None
        if not reading.cancelled():
            reading.exception()  # a bug in reading a hint must not hold a broadcast

    async def close(self) -> None:
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
