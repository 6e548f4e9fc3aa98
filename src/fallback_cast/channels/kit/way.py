"""The way to one server as a probe walks it: name, then route, and what can be seen aside (design §6).

A probe goes the way a send would. Beside it, and never holding it up, it looks at the second resolver
and at every address that it does not need; such rows stand before the layer's own and are not decisive.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from fallback_cast.channels.kit import net
from fallback_cast.channels.kit.names import SILENT, NameFault, SecondResolver
from fallback_cast.model.errors import Layer
from fallback_cast.model.health import Check
from fallback_cast.model.texts import Phrase

NAME_S, ROUTE_S = 5.0, 3.0
WHOLE_S = 14.0  # all layers of a probe together
ASIDE_S = 0.2  # how long a probe that has ended waits for what it looks at aside
MAX_ADDRESSES = 8

# We have no address of that family ourselves: nothing is known of the server's.
_OURS = (errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
# Where addresses fail in different ways, the least certain way is told.
_DOUBTFUL_FIRST = ("no connection in time", "connection reset", "no route to the host", "connection refused")
SECOND = Phrase("second resolver")  # such rows begin with it


@dataclass(frozen=True, slots=True)
class _Seen:
    """What one look saw: a row to tell, if any; where to go on; why not."""

    check: Check | None
    infos: Sequence[net.AddressInfo] = ()
    sock: socket.socket | None = None
    fault: str = ""
    certain: bool = False


@dataclass(frozen=True, slots=True)
class _Aside:
    """A look aside under way, and what is told if it takes too long."""

    task: asyncio.Task[_Seen]
    layer: Layer
    what: Phrase
    began: float

    def row(self) -> Check | None:
        if self.task.done():
            return self.task.result().check
        return _beside(self.layer, self.began, self.what, "no answer yet")


class Way:
    """The way to one server, in layers. Use it as a context: looks aside end with it.

    `checks` grows by one row a layer; whoever goes on after `open` adds rows. `detour` is False for
    what sends by other means than ours, and so cannot go on by the second resolver alone.
    """

    def __init__(self, host: str, port: int, *, detour: bool = True) -> None:
        self.checks: list[Check] = []
        self._host, self._port, self._detour = host, port, detour
        self._tasks: list[asyncio.Future[Any]] = []
        self._asides: list[_Aside] = []
        self._began = time.perf_counter()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def left(self) -> float:
        """Seconds until the whole probe must have ended."""
        return max(0.1, self._began + WHOLE_S - time.perf_counter())

    async def open(self) -> socket.socket | None:
        """A new connection, the caller's to close; None, with the failed layer in `checks`, if none came."""
        infos = await self._find()
        return await self._connect(infos) if infos else None

    async def ended(self) -> list[Check]:
        """All rows in the order of layers, with what was seen aside so far. Waits ASIDE_S at most."""
        if self._asides:
            await asyncio.wait([aside.task for aside in self._asides], timeout=ASIDE_S)
        rows, told = list(self.checks), set[str]()
        for row in (aside.row() for aside in self._asides):
            if row is not None and row.detail not in told:  # addresses that fail alike make one row
                told.add(row.detail)
                rows.insert([other.layer for other in rows].index(row.layer), row)
        return rows

    # -- name ----------------------------------------------------------------------------------

    async def _find(self) -> Sequence[net.AddressInfo]:
        """Both resolvers are asked at once; nobody waits for the second one while the system's works."""
        began = time.perf_counter()
        system = asyncio.create_task(_by_system(self._host, self._port))
        self._tasks.append(system)
        resolver = net.second_resolver(self._host)
        if resolver is None:
            await asyncio.wait({system}, timeout=NAME_S)
            return self._by_system_alone(system, began)
        second = asyncio.create_task(_by_second(resolver, self._host, self._port))
        self._tasks.append(second)
        await asyncio.wait({system}, timeout=net.SYSTEM_ALONE_S)
        if not _found(system):
            await _until_found((system, second), began + NAME_S)
        if _found(system):
            self._asides.append(_Aside(second, Layer.NAME, SECOND, began))
            return self._by_system_alone(system, began)
        return self._without_system(system, second, began)

    def _by_system_alone(self, system: asyncio.Task[_Seen], began: float) -> Sequence[net.AddressInfo]:
        fault = system.result().fault if system.done() else SILENT
        self.checks.append(Check(Layer.NAME, not fault, time.perf_counter() - began, fault))
        return system.result().infos if not fault else ()

    def _without_system(
        self, system: asyncio.Task[_Seen], second: asyncio.Task[_Seen], began: float
    ) -> Sequence[net.AddressInfo]:
        """The system does not find the name. Does the second resolver, and can sending go on by it?"""
        self._by_system_alone(system, began)
        failed = self.checks.pop()
        aside = _Aside(second, Layer.NAME, SECOND, began).row()
        assert aside is not None
        certain = system.done() and system.result().certain
        if aside.ok and self._detour and not certain:
            self.checks += [replace(failed, decisive=False), replace(aside, decisive=True)]
            return second.result().infos
        self.checks += [replace(aside, decisive=not aside.ok), failed]
        return ()

    # -- route ---------------------------------------------------------------------------------

    async def _connect(self, infos: Sequence[net.AddressInfo]) -> socket.socket | None:
        """To all addresses at once; the first connection is the one that goes on."""
        began = time.perf_counter()
        tries = {asyncio.create_task(_try(info)): _family(info) for info in infos[:MAX_ADDRESSES]}
        self._tasks += tries
        winner: asyncio.Task[_Seen] | None = None
        try:
            winner = await _first_connected(tries)
        finally:
            for task in tries.keys() - {winner}:
                task.add_done_callback(_hang_up)
        if winner is None:
            self.checks += _no_route([task.result() for task in tries], time.perf_counter() - began)
            return None
        self.checks.append(Check(Layer.ROUTE, True, time.perf_counter() - began))
        self._asides += [
            _Aside(task, Layer.ROUTE, family, began) for task, family in tries.items() if task is not winner
        ]
        return winner.result().sock


def _found(task: asyncio.Task[_Seen]) -> bool:
    return task.done() and bool(task.result().infos)


async def _until_found(tasks: Sequence[asyncio.Task[_Seen]], until: float) -> None:
    """Return when one has found the name, both have not, or the time is up."""
    while not any(map(_found, tasks)) and (pending := [task for task in tasks if not task.done()]):
        left = until - time.perf_counter()
        if left <= 0:
            return
        await asyncio.wait(pending, timeout=left, return_when=asyncio.FIRST_COMPLETED)


async def _by_system(host: str, port: int) -> _Seen:
    try:
        return _Seen(None, infos=await net.resolve_by_system(host, port))
    except OSError as error:
        fault = net.name_fault(error) if isinstance(error, socket.gaierror) else "name look-up failed"
        return _Seen(None, fault=fault, certain=not net.knows_nothing(error))


async def _by_second(resolver: SecondResolver, host: str, port: int) -> _Seen:
    began = time.perf_counter()
    try:
        found = await resolver.look_up(host)
    except NameFault as fault:
        return _Seen(_beside(Layer.NAME, began, SECOND, fault.reason))
    infos = net.address_infos(found.addresses, port)
    row = _beside(Layer.NAME, began, SECOND, found.note or "it finds the name")
    return _Seen(replace(row, ok=True), infos=infos)


async def _try(info: net.AddressInfo) -> _Seen:
    """Connect to one address; a row only if it failed, and not for want of such an address of our own."""
    began = time.perf_counter()
    try:
        async with asyncio.timeout(ROUTE_S):
            return _Seen(None, sock=await net.connect_any([info]))
    except OSError as error:
        fault = net.route_fault(error)
        row = _beside(Layer.ROUTE, began, _family(info), fault)
        return _Seen(None if error.errno in _OURS else row, fault=fault)


async def _first_connected(tries: Iterable[asyncio.Task[_Seen]]) -> asyncio.Task[_Seen] | None:
    pending = set(tries)
    while pending:
        done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        if connected := next((task for task in done if task.result().sock is not None), None):
            return connected
    return None


def _no_route(tries: Sequence[_Seen], elapsed: float) -> list[Check]:
    """One row if all addresses fail alike; else one for each way, and the least certain one decides."""
    rows = {seen.fault: seen.check for seen in tries if seen.check is not None}
    reason = min(rows or [seen.fault for seen in tries], key=_DOUBTFUL_FIRST.index)
    return [*(rows.values() if len(rows) > 1 else ()), Check(Layer.ROUTE, False, elapsed, reason)]


def _hang_up(task: asyncio.Task[_Seen]) -> None:
    if not task.cancelled() and (sock := task.result().sock) is not None:
        sock.close()


def _beside(layer: Layer, began: float, what: Phrase, rest: str) -> Check:
    """A row that fails and decides nothing."""
    said = rest if isinstance(rest, Phrase) else Phrase(rest)
    elapsed = time.perf_counter() - began
    return Check(layer, False, elapsed, Phrase("{head}: {rest}", head=what, rest=said), decisive=False)


def _family(info: net.AddressInfo) -> Phrase:
    return Phrase("IPv6" if info[0] == socket.AF_INET6 else "IPv4")
