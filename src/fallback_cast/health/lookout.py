"""Looks at the references when it must be known whether a failure is ours or theirs (P6)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol

from fallback_cast.model.errors import Layer
from fallback_cast.model.health import Check

LOOK_AT_MOST_S = 6.0  # a reference keeps its own, shorter time
HOLDS_S = 5.0  # a look younger than this is not repeated


class Reference(Protocol):
    """An address in another network that answers whoever is online."""

    @property
    def name(self) -> str: ...

    async def look(self) -> Check: ...


class Lookout:
    """One round of looks at a time, shared by all who ask.

    `record` hears of each good answer at once and of the failures when the round is over: nobody is
    thought offline because the fastest answer was a failure.
    """

    def __init__(self, references: Sequence[Reference], record: Callable[[str, Check], None]) -> None:
        self._references, self._record = tuple(references), record
        self._round: asyncio.Task[None] | None = None
        self._answered = asyncio.Event()
        self._ended_s: float | None = None  # by the event loop's clock

    def __bool__(self) -> bool:
        return bool(self._references)

    def knows(self) -> bool:
        """Whether the last look still holds."""
        if self._round is not None:
            return self._answered.is_set()
        return self._ended_s is not None and asyncio.get_running_loop().time() - self._ended_s <= HOLDS_S

    def begin(self) -> None:
        """Look now, unless a look is going on."""
        if self._references and self._round is None:
            self._answered.clear()
            self._round = asyncio.get_running_loop().create_task(self._look())

    async def look(self, *, anew: bool = False) -> None:
        """Look, unless the last look still holds; return as soon as one answers, or none did.

        `anew`: what was seen before this moment does not do.
        """
        if self._round is not None or anew or not self.knows():
            self.begin()
            await self._answered.wait()

    async def _look(self) -> None:
        silent: list[tuple[str, Check]] = []
        looks = [asyncio.ensure_future(self._ask(reference)) for reference in self._references]
        try:
            for look in asyncio.as_completed(looks):
                name, check = await look
                if check.ok:
                    self._record(name, check)
                    self._answered.set()
                else:
                    silent.append((name, check))
            for name, check in silent:
                self._record(name, check)
        finally:
            for pending in looks:
                pending.cancel()
            self._round, self._ended_s = None, asyncio.get_running_loop().time()
            self._answered.set()

    async def _ask(self, reference: Reference) -> tuple[str, Check]:
        try:
            async with asyncio.timeout(LOOK_AT_MOST_S):
                return reference.name, await reference.look()
        except TimeoutError:
            return reference.name, Check(Layer.ROUTE, False, LOOK_AT_MOST_S, "no answer in time")
        except Exception as error:  # a bug here must not hold a broadcast
            return reference.name, Check(
                Layer.SERVICE, False, 0.0, f"the look broke ({type(error).__name__})"
            )

    async def close(self) -> None:
        if self._round is not None:
            self._round.cancel()
            with suppress(asyncio.CancelledError):
                await self._round
