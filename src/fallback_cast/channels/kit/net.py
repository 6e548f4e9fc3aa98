"""Names and connections with deadlines that hold, also when the process wants to leave.

The system resolver blocks its thread for as long as it likes. Event loops join such threads at exit,
so a dead name server would hold the whole command for ten seconds; threads here are daemons.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import cast

from fallback_cast.model.errors import Layer, Unavailable

AddressInfo = tuple[int, int, int, str, tuple[str, int] | tuple[str, int, int, int]]

_pending: dict[tuple[int, str, int], asyncio.Future[Sequence[AddressInfo]]] = {}


async def resolve(host: str, port: int) -> Sequence[AddressInfo]:
    """All stream addresses of a host, as sending sees them. Raises socket.gaierror.

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
