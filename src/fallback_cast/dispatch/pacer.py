"""Waiting until a provider's limits let the next message go. The state is remembered between runs."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime

from fallback_cast.dispatch.clock import Clock
from fallback_cast.model.channel import Pace
from fallback_cast.routing.pace import reserve


class Pacer:
    def __init__(self, clock: Clock, stored: Mapping[str, datetime]) -> None:
        self._clock = clock
        self._next_at = dict(stored)

    async def let_go(self, paces: Sequence[Pace]) -> None:
        """Return when every one of these paces lets a message go."""
        if not paces:
            return
        now = self._clock.now()
        go_at = now
        for pace in paces:
            may_go, self._next_at[pace.key] = reserve(pace, self._next_at.get(pace.key), now)
            go_at = max(go_at, may_go)
        if go_at > now:
            await asyncio.sleep((go_at - now).total_seconds())
        if len(self._next_at) > 10_000:  # a pace per address: those of the past are of no use
            self._next_at = {key: at for key, at in self._next_at.items() if at > now}

    def state(self) -> dict[str, datetime]:
        return dict(self._next_at)
