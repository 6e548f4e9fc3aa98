"""Blocking work beside the event loop, in threads that never hold up the exit.

An executor's threads are joined when the process wants to leave, so one call that hangs would hold
the whole command; these are daemons, one for each call.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TypeVar

T = TypeVar("T")


async def run_aside(work: Callable[[], T]) -> T:
    """What `work` returns or raises. Cancelling the waiter leaves the thread to itself.

    How many such threads may live is the caller's to bound.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(outcome: Callable[[], None]) -> None:
        if not future.done():
            outcome()

    def body() -> None:
        try:
            outcome = partial(future.set_result, work())
        except Exception as error:
            outcome = partial(future.set_exception, error)
        except (
            BaseException
        ):  # SystemExit and its kin would only end this thread, and the waiter wait for ever
            outcome = partial(future.set_exception, RuntimeError("the call wanted to leave the program"))
        with suppress(RuntimeError):  # the loop is gone: nobody waits any more
            loop.call_soon_threadsafe(settle, outcome)

    threading.Thread(target=body, daemon=True).start()
    return await future
