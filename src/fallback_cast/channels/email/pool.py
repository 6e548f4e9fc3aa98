"""Connections to one relay: letters wait for them, and they are kept for a while for the next letter."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from fallback_cast.channels.email.mime import Letter
from fallback_cast.channels.email.session import Session
from fallback_cast.model.errors import SendError
from fallback_cast.model.message import Accepted

IDLE_S = 30.0  # many routers and servers forget a silent connection soon after


class _Errand:
    """A letter and whoever waits for its fate."""

    def __init__(self, letter: Letter) -> None:
        self.letter = letter
        self.fate: asyncio.Future[Accepted] = asyncio.get_running_loop().create_future()
        self.session: Session | None = None

    def settle(self, fate: Accepted | BaseException) -> None:
        if self.fate.done():
            return
        if isinstance(fate, BaseException):
            self.fate.set_exception(fate)
        else:
            self.fate.set_result(fate)


class Pool:
    """At most `size` connections, the one used last first."""

    def __init__(self, open_session: Callable[[], Awaitable[Session]], size: int) -> None:
        self._open = open_session
        self._size = size
        self._waiting: deque[_Errand] = deque()
        self._carriers: set[asyncio.Task[None]] = set()
        self._idle: list[Session] = []
        self._pruning: asyncio.TimerHandle | None = None

    async def deliver(self, letter: Letter) -> Accepted:
        """One transaction. Raises any of the six errors.

        A kept connection that turns out dead at MAIL is replaced once: nothing had been begun on it.
        """
        errand = _Errand(letter)
        self._waiting.append(errand)
        if len(self._carriers) < self._size:
            carrier = asyncio.get_running_loop().create_task(self._carry())
            self._carriers.add(carrier)
            carrier.add_done_callback(self._carriers.discard)
        try:
            return await errand.fate
        finally:
            # Cancelled in the middle: the next answer would be for this letter.
            if errand.fate.cancelled() and errand.session is not None:
                errand.session.hang_up()

    async def _carry(self) -> None:
        """Carry what waits over one connection after the other."""
        session = self._take()
        errand: _Errand | None = None
        try:
            while errand or self._waiting:
                errand = errand or self._waiting.popleft()
                session, errand = await self._one(session, errand)
        finally:
            if session is not None:
                self._give_back(session)

    async def _one(self, session: Session | None, errand: _Errand) -> tuple[Session | None, _Errand | None]:
        """Carry one; returns the connection, if it lives, and what was begun on it already."""
        begun: list[_Errand] = []

        def following() -> Letter | None:
            if not self._waiting:
                return None
            begun.append(self._waiting.popleft())
            return begun[0].letter

        if errand.fate.cancelled():
            if session is not None and errand.session is session:
                session.hang_up()
            return _if_alive(session), None
        try:
            session = await self._begin(session, errand)
            errand.settle(await session.finish(errand.letter, following))
        except SendError as error:
            errand.settle(error)
            session = errand.session
        except BaseException as error:
            errand.settle(error)
            for other in begun:
                self._waiting.appendleft(other)
            if errand.session is not None:
                errand.session.hang_up()
            if not isinstance(error, Exception):
                raise
            return None, None
        for other in begun:
            other.session = session
        return _if_alive(session), begun[0] if begun else None

    async def _begin(self, session: Session | None, errand: _Errand) -> Session:
        if session is not None:
            errand.session = session
            if await session.begin(errand.letter):
                return session
            session.hang_up()
        errand.session = None
        errand.session = session = await self._open()
        await session.begin(errand.letter)
        return session

    # -- connections that rest -----------------------------------------------------------------

    def _take(self) -> Session | None:
        oldest = asyncio.get_running_loop().time() - IDLE_S
        while self._idle:
            session = self._idle.pop()
            if session.alive and session.idle_since > oldest:
                return session
            session.hang_up()
        return None

    def _give_back(self, session: Session) -> None:
        if not session.alive:
            return
        loop = asyncio.get_running_loop()
        session.idle_since = loop.time()
        self._idle.append(session)
        if self._pruning is None:
            self._pruning = loop.call_later(IDLE_S, self._prune)

    def _prune(self) -> None:
        loop = asyncio.get_running_loop()
        oldest = loop.time() - IDLE_S
        old = [session for session in self._idle if session.idle_since <= oldest]
        self._idle = [session for session in self._idle if session.idle_since > oldest]
        for session in old:
            session.hang_up()
        self._pruning = loop.call_later(IDLE_S, self._prune) if self._idle else None

    async def close(self) -> None:
        """Say goodbye. Sends may not follow; what is under way is given up."""
        if self._pruning is not None:
            self._pruning.cancel()
            self._pruning = None
        for carrier in self._carriers:
            carrier.cancel()
        await asyncio.gather(*self._carriers, return_exceptions=True)
        idle, self._idle = self._idle, []
        await asyncio.gather(*(session.say_goodbye() for session in idle))


def _if_alive(session: Session | None) -> Session | None:
    return session if session is not None and session.alive else None
