"""Storing what was seen and judged, behind the back of whoever sends."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence

from fallback_cast.ledger.memory import Breaker
from fallback_cast.model.health import Evidence

SAVE_AFTER_S = 0.02  # what is seen within this is stored together

Save = Callable[[Sequence[Breaker], Sequence[Evidence]], Awaitable[None]]
Key = tuple[str, str]


class Keeping:
    """Collects evidence and the keys of changed breakers; `breaker` gives one as it is when stored."""

    def __init__(self, save: Save, breaker: Callable[[Key], Breaker], dirty: Iterable[Key]) -> None:
        self._save, self._breaker = save, breaker
        self._dirty = set(dirty)
        self._seen: list[Evidence] = []
        self._saving: asyncio.Task[None] | None = None

    def keep(self, seen: Evidence | None, changed: Key | None = None) -> None:
        if seen is not None:
            self._seen.append(seen)
        if changed is not None:
            self._dirty.add(changed)
        if self._saving is None or self._saving.done():
            self._saving = asyncio.get_running_loop().create_task(self._save_in_a_moment())

    async def _save_in_a_moment(self) -> None:
        while self._dirty or self._seen:
            await asyncio.sleep(SAVE_AFTER_S)
            await self.save()

    async def save(self) -> None:
        while self._dirty or self._seen:
            dirty, self._dirty = self._dirty, set()
            seen, self._seen = self._seen, []
            await self._save([self._breaker(key) for key in sorted(dirty)], seen)

    async def close(self) -> None:
        if self._saving is not None:
            await self._saving
        await self.save()
