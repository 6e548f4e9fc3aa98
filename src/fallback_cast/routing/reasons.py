"""Why somebody was not reached, in short sentences for the organiser: no address, no secret."""

from __future__ import annotations

from collections.abc import Sequence

from fallback_cast.model.delivery import Attempt, Delivery, Outcome
from fallback_cast.routing.outlook import Outlook


def why_not_reached(
    delivery: Delivery, attempts: Sequence[Attempt], outlook: Outlook, spent: Sequence[str]
) -> tuple[str, ...]:
    """What is spent, what the other attempts said, and which channels were down throughout."""
    if not delivery.routes:
        return ("no route: no address on any channel",)
    reasons = dict.fromkeys(spent)
    for attempt in attempts:
        if attempt.outcome is Outcome.BEGUN:
            reasons[f"{attempt.channel}: no answer yet"] = None
        elif attempt.outcome.success:
            reasons[f"{attempt.channel}: accepted, not confirmed"] = None
        elif attempt.error is not None:
            reasons[f"{attempt.channel}: {attempt.error.replace('-', ' ')} ({attempt.reason})"] = None
    tried = {attempt.channel for attempt in attempts}
    for name in dict.fromkeys(route.channel for route in delivery.routes):
        channel = outlook.channels.get(name)
        if channel is not None and name not in tried:
            down = next((p.reason for p in channel.providers if not p.usable), "")
            if down:
                reasons[f"{name}: {down}"] = None
    return tuple(reasons)
