"""A dispatcher in a process of its own, made to be killed: `python -m tests.crash.worker LEDGER RECORD`.

Its one channel writes each message that "arrives" to the record, durably, as a receiver would.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from fallback_cast.dispatch.clock import SystemClock
from fallback_cast.dispatch.desk import Desk
from fallback_cast.dispatch.dispatcher import Dispatcher, World
from fallback_cast.dispatch.pacer import Pacer
from fallback_cast.health.book import HealthBook
from fallback_cast.ledger import memory
from fallback_cast.ledger.open import open_ledger
from fallback_cast.model.message import Accepted
from fallback_cast.model.policy import DEFAULT_POLICIES
from tests.dispatch.stage import StageChannel, StageProvider


def receiver(name: str, record: Path) -> StageChannel:
    provider = StageProvider(name)
    provider.max_in_flight = 8
    descriptor = os.open(record, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)

    async def arrive(address: str, number: int) -> Accepted:
        await asyncio.sleep(random.random() * 0.004)
        os.write(descriptor, f"{name} {address}\n".encode())
        os.fsync(descriptor)
        await asyncio.sleep(random.random() * 0.004)
        return Accepted()

    provider.behave = arrive
    return StageChannel(name, provider)


async def dispatch(ledger_path: Path, record: Path) -> None:
    ledger = open_ledger(ledger_path)
    desk = Desk(ledger)
    channels = {name: receiver(name, record) for name in ("telegram", "email")}
    clock = SystemClock()

    async def save(breakers: object, seen: object) -> None:
        await desk.run(memory.save_health, "crash", breakers, seen)  # type: ignore[arg-type]

    book = HealthBook(channels, memory.load_breakers(ledger), clock, {}, save)
    # The grace of five seconds would be waited for at every kill.
    policies = {i: replace(p, grace=timedelta(seconds=0.2)) for i, p in DEFAULT_POLICIES.items()}
    world = World(channels, policies, "UTC", clock)
    await Dispatcher(desk, world, book, Pacer(clock, {}), f"crash/{os.getpid()}").run()
    desk.close()
    ledger.close()


if __name__ == "__main__":
    asyncio.run(dispatch(Path(sys.argv[1]), Path(sys.argv[2])))
