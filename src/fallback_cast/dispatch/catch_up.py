"""Catch-up: a place whose channel is back gets what it missed, once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from fallback_cast.dispatch.desk import Desk
from fallback_cast.ledger import catch_up as ledger
from fallback_cast.model.channel import Channel
from fallback_cast.model.outages import CatchUp
from fallback_cast.routing.catch_up import NOTICED_LATE, plan_catch_up


async def catch_up(desk: Desk, channels: Mapping[str, Channel], back: Iterable[str], now: datetime) -> int:
    """Open what the places of these channels missed while they were out. Returns how many messages.

    Call it for channels that work; called twice it does nothing more.
    """
    planned: list[CatchUp] = []
    for channel in (channels[name] for name in back):
        place = channel.place()
        # Nobody can be asked to post by hand what is late.
        if place is None or channel.catch_up == "skip" or channel.traits.interactive:
            continue
        chains = await desk.run(ledger.passed_chains, channel.name, now)
        if not chains:
            continue
        since = min(chain.opened_at for chain in chains) - NOTICED_LATE
        troubles = await desk.run(ledger.troubles, channel.name, since)
        planned += plan_catch_up(
            channel.name, place, chains, troubles, now, deduplicates=channel.traits.deduplicates
        )
    return await desk.run(ledger.store_catch_ups, planned, now) if planned else 0
