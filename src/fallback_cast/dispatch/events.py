"""What happens while a broadcast goes out, for whoever watches it live."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class Happening(StrEnum):
    PASSED_OVER = "passed over"  # a channel that is down or unproven: nobody waits for it
    FAILED = "failed"  # an attempt failed
    MOVED_ON = "moved on"  # a delivery goes to another channel
    REACHED = "reached"
    ENDED = "ended"  # a delivery ended without reaching anybody
    CHANNEL_DOWN = "channel down"
    CHANNEL_BACK = "channel back"
    WAITING = "waiting"


@dataclass(frozen=True, slots=True)
class Event:
    """One happening. `reason` is evidence without secrets or addresses."""

    what: Happening
    channel: str = ""
    recipient: str = ""
    to_channel: str = ""
    reason: str = ""
    unconfirmed: bool = False


Listener = Callable[[Event], None]


def nobody_listens(_: Event) -> None:
    return
