"""What an importance means for patience, probes and money (the table of design §4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from fallback_cast.model.announcement import Importance


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How one importance is dispatched. None for a time-out means: not asked for."""

    patience: timedelta  # how long a delivery stays with one channel before the next is tried
    probe_budget: timedelta  # channels that have not answered by then are passed over for now
    grace: timedelta  # wait after an unknown outcome before the next route
    expires_after: timedelta
    site_first: timedelta  # how long the others wait for our own site
    confirm_within: timedelta | None = None  # wait for a receipt on channels that report back
    acknowledge_within: timedelta | None = None
    quiet_hours: bool = True  # kept: what rings waits until morning
    paid: Literal["last", "yes", "no"] = "yes"  # "last": only if nothing else is left
    reach: Literal["first", "all"] = "first"
    order: tuple[str, ...] = ()  # channel names in another order than the settings'


def _seconds(value: float) -> timedelta:
    return timedelta(seconds=value)


DEFAULT_POLICIES: Mapping[Importance, Policy] = {
    Importance.INFO: Policy(
        patience=timedelta(hours=1),
        probe_budget=_seconds(5),
        grace=timedelta(minutes=15),
        expires_after=timedelta(days=7),
        site_first=_seconds(60),
        paid="last",
    ),
    Importance.NORMAL: Policy(
        patience=timedelta(minutes=10),
        probe_budget=_seconds(3),
        grace=timedelta(minutes=2),
        expires_after=timedelta(days=3),
        site_first=_seconds(60),
    ),
    Importance.URGENT: Policy(
        patience=_seconds(20),
        probe_budget=_seconds(1),
        grace=_seconds(5),
        expires_after=timedelta(hours=24),
        site_first=_seconds(5),
        confirm_within=timedelta(minutes=10),
        quiet_hours=False,
    ),
}
