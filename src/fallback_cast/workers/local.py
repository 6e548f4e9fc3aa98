"""One machine: whoever holds the dispatcher lock sends; the others watch, and take over if it goes."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Awaitable, Callable, Collection, Coroutine
from typing import Any, TypeVar

from fallback_cast.dispatch.desk import Desk
from fallback_cast.dispatch.dispatcher import RunEnd
from fallback_cast.ledger.lock import DispatcherLock
from fallback_cast.ledger.open import Ledger
from fallback_cast.ledger.view import header

T = TypeVar("T")

LOOK_S = 0.25


async def dispatch_here(
    desk: Desk,
    lock: DispatcherLock,
    dispatch: Callable[[], Awaitable[RunEnd]],
    watched: Collection[str],
    on_watching: Callable[[], None] = lambda: None,
) -> RunEnd:
    """Dispatch until the watched announcements are settled or nothing is due soon.

    If another process dispatches, watch what it does and take over when its lock comes free.
    """
    told = False
    while True:
        if lock.take():
            _settle_down()
            try:
                return await dispatch()
            finally:
                lock.release()
        if not told:
            told = True
            on_watching()
        if await desk.run(_all_settled, tuple(watched)):
            return RunEnd.SETTLED
        await asyncio.sleep(LOOK_S)


def _settle_down() -> None:
    """Modules, settings and channels stay to the end: searching them for garbage at every turn costs a
    tenth of a large broadcast. The ledger's thread needs the interpreter often and briefly: with Python's
    usual 5 ms it would wait for it longer than it works (docs/benchmarks.md)."""
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)
    sys.setswitchinterval(0.0005)


def _all_settled(ledger: Ledger, ids: Collection[str]) -> bool:
    heads = [header(ledger, id) for id in ids]
    return all(head is None or head.state in ("settled", "cancelled") for head in heads)


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run to the end on the fastest event loop this platform has."""
    try:
        from uvloop import new_event_loop
    except ImportError:
        return asyncio.run(main)
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        return runner.run(main)
