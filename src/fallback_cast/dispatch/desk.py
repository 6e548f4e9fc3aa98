"""The ledger's desk: its calls run one after the other in a thread of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Concatenate, ParamSpec, TypeVar

from fallback_cast.ledger.open import Ledger

P = ParamSpec("P")
T = TypeVar("T")


class Desk:
    """Hands ledger calls to one thread; with `inline` they run in place (virtual time in tests)."""

    def __init__(self, ledger: Ledger, *, inline: bool = False) -> None:
        self.ledger = ledger
        self._thread = None if inline else ThreadPoolExecutor(1, thread_name_prefix="ledger")

    async def run(self, call: Callable[Concatenate[Ledger, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        if self._thread is None:
            return call(self.ledger, *args, **kwargs)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: call(self.ledger, *args, **kwargs))

    def close(self) -> None:
        if self._thread is not None:
            self._thread.shutdown()
