"""Asking providers that do not call us what has become of what they accepted."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from datetime import datetime

from fallback_cast.dispatch.desk import Desk
from fallback_cast.ledger.awaited import Awaited, awaited
from fallback_cast.ledger.receipts import Taken, receive
from fallback_cast.model.channel import Channel, Provider
from fallback_cast.model.errors import SendError
from fallback_cast.model.receipt import Receipt

WITHIN_S = 10.0  # for one provider; what is left is asked the next time


async def poll(desk: Desk, channels: Mapping[str, Channel], now: datetime) -> Taken:
    """One question for each attempt whose end is not known yet. Raises LedgerError."""
    asked = {(name, p.name): p for name, channel in channels.items() for p in channel.providers if p.polled}
    if not asked:
        return Taken()
    waiting = await desk.run(awaited, sorted({name for name, _ in asked}), now)
    questions = (
        _ask(provider, [one for one in waiting if (one.channel, one.provider) == where], now)
        for where, provider in asked.items()
    )
    receipts = [receipt for answers in await asyncio.gather(*questions) for receipt in answers]
    return await desk.run(receive, receipts, now) if receipts else Taken()


async def _ask(provider: Provider, about: Iterable[Awaited], now: datetime) -> list[Receipt]:
    """One after the other: a phone has one line. Who cannot be asked now is asked the next time."""
    found: list[Receipt] = []
    try:
        async with asyncio.timeout(WITHIN_S):
            for one in about:
                receipt = await provider.receipt(one.key, one.reference, now)
                if receipt is not None:
                    found.append(receipt)
    except (SendError, TimeoutError):
        pass
    return found
