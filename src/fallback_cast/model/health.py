"""Words for evidence and judgement about platforms (design §6)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from fallback_cast.model.errors import Layer


@dataclass(frozen=True, slots=True)
class Check:
    """One layer of one probe: did it work, how long did it take (seconds), what was seen.

    `decisive` is False for a look aside (a second resolver, one of several addresses): it explains a
    failure, and is none by itself.
    """

    layer: Layer
    ok: bool
    elapsed_s: float
    detail: str = ""
    decisive: bool = True


def failed_check(checks: Sequence[Check]) -> Check | None:
    """The first layer that failed for certain, or None if the probe is good."""
    return next((check for check in checks if check.decisive and not check.ok), None)


class Verdict(StrEnum):
    UP = "up"
    SUSPECT = "suspect"
    DOWN = "down"
    RECOVERING = "recovering"
    OFFLINE = "offline"
    UNKNOWN = "unknown"


class Signal(StrEnum):
    """What one observation says about a platform."""

    GOOD = "good"  # an accepted send, a good probe, a refused address: the platform lives
    BAD = "bad"  # surely not reached
    HALF = "half"  # an unknown outcome: half weight
    CONFIRMED = "confirmed"  # bad, seen by two witnesses, or a fact that waiting does not change
    DENIED = "denied"  # our account or settings: opens, marked configuration
    LIMITED = "limited"  # too fast: neither good nor bad
    HINT = "hint"  # its status feed says incident: raises suspicion, opens and closes nothing


@dataclass(frozen=True, slots=True)
class Evidence:
    """One stored observation about a provider, or about a reference: then `channel` is empty and
    `provider` is the reference as written in the settings.
    """

    channel: str
    provider: str
    at: datetime
    signal: Signal
    source: str  # probe | send | feed | reference
    layer: Layer | None = None
    detail: str = ""
    machine: str = ""  # who saw it: what a machine saw while it was offline itself does not count

    @property
    def about(self) -> tuple[str, str]:
        return self.channel, self.provider
