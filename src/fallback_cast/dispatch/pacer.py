"""Waiting until a provider's limits let the next message go, the most important first.

The state is one moment for each pace; it is remembered between runs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count

from fallback_cast.dispatch.clock import Clock, pause
from fallback_cast.model.channel import Pace
from fallback_cast.routing.pace import may_go_at, reserve

MANY = 10_000  # a pace for each address: those of the past are of no use
_LATE = timedelta(milliseconds=20)  # a timer that fires so much too late costs no rate


_AT_ONCE = datetime.min.replace(tzinfo=UTC)


def _always() -> bool:
    return True


@dataclass(slots=True, order=True)
class _Ticket:
    """One message that waits; `may_board` says whether there is room for it, and takes the room."""

    rank: int
    number: int
    paces: Sequence[Pace] = field(compare=False)
    may_board: Callable[[], bool] = field(compare=False)
    holder: object = field(compare=False)
    called: asyncio.Future[bool] = field(compare=False)


class Pacer:
    def __init__(self, clock: Clock, stored: Mapping[str, datetime]) -> None:
        self._clock = clock
        self._next_at = dict(stored)
        self._tickets: list[_Ticket] = []
        self._numbers = count()
        self._news = asyncio.Event()
        self._caller: asyncio.Task[None] | None = None

    def take(self, paces: Sequence[Pace]) -> bool:
        """Let a message go right now, if nobody waits and all of these paces allow it."""
        now = self._clock.now()
        if self._tickets or self._go_at(paces) > now:
            return False
        self._reserve(paces, now)
        return True

    async def let_go(
        self,
        paces: Sequence[Pace],
        *,
        rank: int = 0,
        may_board: Callable[[], bool] = _always,
        holder: object = None,
    ) -> bool:
        """Return True when all of these paces let a message go; False if `holder` was called back.

        A lower `rank` overtakes a higher one; within a rank, who came first goes first.
        """
        now = self._clock.now()
        if not self._tickets and self._go_at(paces) <= now and may_board():
            self._reserve(paces, now)
            return True
        called: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        ticket = _Ticket(rank, next(self._numbers), paces, may_board, holder, called)
        self._tickets.append(ticket)
        self.look()
        if self._caller is None or self._caller.done():
            self._caller = asyncio.get_running_loop().create_task(self._call())
        try:
            return await called
        finally:
            if ticket in self._tickets:
                self._tickets.remove(ticket)
                self._news.set()

    def look(self) -> None:
        """Something changed: perhaps there is room now."""
        if self._tickets:
            self._news.set()

    def call_back(self, holder: object) -> None:
        """Whoever waits for this holder's channel shall decide anew."""
        for ticket in self._tickets:
            if ticket.holder is holder and not ticket.called.done():
                ticket.called.set_result(False)
        self._tickets = [ticket for ticket in self._tickets if ticket.holder is not holder]

    async def _call(self) -> None:
        while self._tickets:
            self._news.clear()
            next_at = self._call_due()
            if self._tickets:
                wait = timedelta(hours=1) if next_at is None else next_at - self._clock.now()
                await pause(self._news, wait.total_seconds())

    def _call_due(self) -> datetime | None:
        """Call whoever may go now, in order; returns when the next one may."""
        now, next_at = self._clock.now(), None
        for ticket in sorted(self._tickets):
            go_at = self._go_at(ticket.paces)
            if go_at > now:
                next_at = go_at if next_at is None else min(next_at, go_at)
            elif not ticket.called.done() and ticket.may_board():
                self._reserve(ticket.paces, max(go_at, now - _LATE))
                self._tickets.remove(ticket)
                ticket.called.set_result(True)
        return next_at

    def _go_at(self, paces: Sequence[Pace]) -> datetime:
        go_at = _AT_ONCE
        for pace in paces:
            next_at = self._next_at.get(pace.key)
            if next_at is not None:
                go_at = max(go_at, may_go_at(pace, next_at))
        return go_at

    def _reserve(self, paces: Sequence[Pace], now: datetime) -> None:
        for pace in paces:
            self._next_at[pace.key] = reserve(pace, self._next_at.get(pace.key), now)[1]
        if len(self._next_at) > MANY:
            self._next_at = {key: at for key, at in self._next_at.items() if at > now}

    def state(self) -> dict[str, datetime]:
        return dict(self._next_at)
