"""All copies of one site bring each other up to date, whichever of them took an announcement."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from fallback_cast.channels.site.copy import Copy
from fallback_cast.channels.site.manifest import Manifest, Record, merged
from fallback_cast.model.errors import SendError
from fallback_cast.model.message import Accepted

REST_S = 60.0  # a copy that failed is left alone so long; its own probe says how it is
FOLLOW_S = 3.0  # how long a send whose own page nobody can read waits for the others


class Mirrors:
    """Nobody waits for a copy that is down, and its failure is its own: its probe brings it to light."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self.copies: Sequence[Copy] = ()
        self._clock = clock
        self._one = asyncio.Lock()
        self._failed_at: dict[str, float] = {}  # by the monotonic clock

    def follow(self, leader: Copy) -> asyncio.Future[None] | None:
        """Level all copies in the background, if there are others; closing the leader waits for it."""
        if len(self.copies) < 2:
            return None
        self.note(leader, well=True)
        return leader.hold(asyncio.ensure_future(self.level()))

    async def seen(self, record: Record, following: asyncio.Future[None], leader: Copy) -> Accepted | None:
        """Where readers see the record on another copy, once it has followed; None if nowhere in time."""
        await asyncio.wait({following}, timeout=FOLLOW_S)
        others = [copy for copy in self.copies if copy is not leader and copy.shown]
        for accepted in await asyncio.gather(*(copy.read_back(record) for copy in others)):
            if accepted.delivered:
                return accepted
        return None

    def note(self, copy: Copy, well: bool) -> None:
        """What a probe or a publication has just shown of a copy."""
        self._failed_at.pop(copy.name, None)
        if not well:
            self._failed_at[copy.name] = time.monotonic()

    async def level(self) -> None:
        """Bring every copy up to the latest of each announcement, and take from it what has expired.

        Copies that failed a moment ago are left alone; one that fails now is brought up another time.
        """
        async with self._one:
            asked = [copy for copy in self.copies if not self._rests(copy)]
            answers = await asyncio.gather(*(self._manifest(copy) for copy in asked))
            found = {copy: answer for copy, answer in zip(asked, answers, strict=True) if answer is not None}
            records = merged(found.values())
            await asyncio.gather(*(self._bring_up(copy, records, found) for copy in found))

    async def _manifest(self, copy: Copy) -> Manifest | None:
        try:
            return await copy.manifest()
        except SendError:
            self.note(copy, well=False)
            return None

    async def _bring_up(self, copy: Copy, records: Sequence[Record], found: Mapping[Copy, Manifest]) -> None:
        mine, now = found[copy], self._clock()
        half_way = bool(mine.records) and mine.built_at is None
        if not (mine.lacking(records) or half_way or mine.outlived(now)):
            return
        source = min(found, key=lambda other: len(found[other].lacking(records)))
        ground = None if source is copy else source.publisher.ground
        try:
            await copy.aside(copy.publisher.follow, records, found[source].feed_id, ground, now)
        except SendError:
            self.note(copy, well=False)

    def _rests(self, copy: Copy) -> bool:
        failed = self._failed_at.get(copy.name)
        return failed is not None and time.monotonic() - failed < REST_S
