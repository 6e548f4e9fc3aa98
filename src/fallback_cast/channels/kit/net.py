"""Names and connections with deadlines that hold, also when the process wants to leave.

The system resolver blocks its thread for as long as it likes. Event loops join such threads at exit,
so a dead name server would hold the whole command for ten seconds; threads here are daemons. Where the
settings name a second resolver, names that the system cannot look up are found there (a detour).
"""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import cast

from fallback_cast.channels.kit import names
from fallback_cast.model.errors import Layer, Unavailable

AddressInfo = tuple[int, int, int, str, tuple[str, int] | tuple[str, int, int, int]]

_pending: dict[tuple[int, str, int], asyncio.Future[Sequence[AddressInfo]]] = {}


SYSTEM_ALONE_S = 1.0  # when the system has not answered by then, the second resolver is asked as well
DISTRUST_S = 30.0  # after a detour both are asked at once for so long


class _Detour:
    """The second resolver of this process, if the settings name one."""

    second: names.SecondResolver | None = None
    distrust_until = 0.0  # by time.monotonic


def use_second_resolver(servers: Sequence[names.Server]) -> None:
    """From now on every look-up of this process may go on through these name servers; empty: none."""
    _Detour.second = names.SecondResolver(servers) if servers else None
    _Detour.distrust_until = 0.0


def second_resolver(host: str) -> names.SecondResolver | None:
    """The second resolver, if there is one and it may know this name."""
    return _Detour.second if names.is_public(host) else None


async def resolve(host: str, port: int) -> Sequence[AddressInfo]:
    """All stream addresses of a host, as sending sees them. Raises socket.gaierror.

    The system's word counts. Only when it has none (it fails, or takes its time) the second resolver's does.
    """
    second = second_resolver(host)
    if second is None:
        return await resolve_by_system(host, port)
    system = asyncio.ensure_future(resolve_by_system(host, port))
    asked: set[asyncio.Future[Sequence[AddressInfo]]] = {system}
    try:
        await asyncio.wait(asked, timeout=_patience_with_system())
        if system.done() and not _no_word(system):
            return system.result()
        detour = asyncio.ensure_future(resolve_by_second(second, host, port))
        asked.add(detour)
        return await _first_good(system, detour)
    finally:
        for look_up in asked:
            look_up.cancel()
        await asyncio.gather(*asked, return_exceptions=True)


async def _first_good(
    system: asyncio.Future[Sequence[AddressInfo]], detour: asyncio.Future[Sequence[AddressInfo]]
) -> Sequence[AddressInfo]:
    pending: set[asyncio.Future[Sequence[AddressInfo]]] = {system, detour}
    while pending:
        done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        if system in done and not _no_word(system):
            _Detour.distrust_until = 0.0
            break
        if detour in done and detour.exception() is None:
            _Detour.distrust_until = time.monotonic() + DISTRUST_S
            return detour.result()
    return system.result()


def _patience_with_system() -> float:
    return 0.0 if time.monotonic() < _Detour.distrust_until else SYSTEM_ALONE_S


def _no_word(look_up: asyncio.Future[Sequence[AddressInfo]]) -> bool:
    error = look_up.exception()
    return error is not None and knows_nothing(error)


def knows_nothing(error: BaseException) -> bool:
    """Whether a look-up failed without an answer: the resolver is broken, or the name's servers are."""
    known = (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", None))
    return isinstance(error, socket.gaierror) and error.errno not in known


async def resolve_by_second(second: names.SecondResolver, host: str, port: int) -> Sequence[AddressInfo]:
    """As `resolve`, by the second resolver alone. Raises names.NameFault."""
    return address_infos((await second.look_up(host)).addresses, port)


def address_infos(addresses: Sequence[str], port: int) -> list[AddressInfo]:
    """What getaddrinfo would say of these addresses."""
    return [
        (socket.AF_INET6, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port, 0, 0))
        if ":" in address
        else (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, "", (address, port))
        for address in addresses
    ]


async def resolve_by_system(host: str, port: int) -> Sequence[AddressInfo]:
    """As `resolve`, by the system resolver alone. Raises socket.gaierror.

    Concurrent look-ups of one name share one thread; cancelling a waiter leaves the thread behind.
    """
    loop = asyncio.get_running_loop()
    key = (id(loop), host, port)
    future = _pending.get(key)
    if future is None:
        future = loop.create_future()
        _pending[key] = future
        future.add_done_callback(lambda done: _forget(key, done))
        threading.Thread(target=_look_up, args=(loop, future, host, port), daemon=True).start()
    return await asyncio.shield(future)


def _forget(key: tuple[int, str, int], future: asyncio.Future[Sequence[AddressInfo]]) -> None:
    _pending.pop(key, None)
    if not future.cancelled():
        future.exception()  # seen: nobody may be waiting any more


def _look_up(
    loop: asyncio.AbstractEventLoop, future: asyncio.Future[Sequence[AddressInfo]], host: str, port: int
) -> None:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as error:
        _deliver(loop, future, error)
    except UnicodeError:
        _deliver(loop, future, socket.gaierror(socket.EAI_NONAME, "not a host name"))
    else:
        _deliver(loop, future, cast(Sequence[AddressInfo], found))


def _deliver(
    loop: asyncio.AbstractEventLoop,
    future: asyncio.Future[Sequence[AddressInfo]],
    outcome: Sequence[AddressInfo] | OSError,
) -> None:
    def settle() -> None:
        if future.done():
            return
        if isinstance(outcome, OSError):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)

    with suppress(RuntimeError):  # the loop is gone: nobody waits for this name any more
        loop.call_soon_threadsafe(settle)


async def connect(host: str, port: int) -> socket.socket:
    """A connected, non-blocking socket to the first address that answers (RFC 8305).

    Raises socket.gaierror for the name and OSError for the route; the caller sets the deadline.
    """
    return await connect_any(await resolve(host, port))


async def connect_any(infos: Sequence[AddressInfo]) -> socket.socket:
    """As `connect`, to a host whose addresses are already known. Raises OSError for the route."""
    from aiohappyeyeballs import start_connection

    return await start_connection(list(infos), happy_eyeballs_delay=0.25)


def unreachable(error: OSError) -> Unavailable:
    """What a failed `connect` means: surely nothing was sent."""
    if isinstance(error, socket.gaierror):
        return Unavailable(name_fault(error), layer=Layer.NAME)
    return Unavailable(route_fault(error), layer=Layer.ROUTE)


def name_fault(error: socket.gaierror) -> str:
    """What the system resolver said, in words (its codes do not tell SERVFAIL from silence)."""
    if error.errno == socket.EAI_AGAIN:
        return "the name server does not answer for this name"
    return "the name does not exist"


def route_fault(error: OSError) -> str:
    """Why no connection came about, in words without addresses."""
    if isinstance(error, ConnectionRefusedError):
        return "connection refused"
    if isinstance(error, (ConnectionResetError, ConnectionAbortedError)):
        return "connection reset"
    if isinstance(error, TimeoutError):
        return "no connection in time"
    return "no route to the host"
