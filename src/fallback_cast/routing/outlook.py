"""What `decide` knows of the world: each channel's nature and each provider's standing right now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from fallback_cast.model.channel import Traits


@dataclass(frozen=True, slots=True)
class ProviderStanding:
    """May this provider be tried now? If not: why, and when it may be looked at again."""

    name: str
    domains: frozenset[str]
    usable: bool = True
    reason: str = ""
    retry_at: datetime | None = None
    configured_at: datetime | None = None  # refusals of our account before this moment are void
    deduplicates: bool = False


@dataclass(frozen=True, slots=True)
class ChannelStanding:
    name: str
    traits: Traits
    providers: tuple[ProviderStanding, ...]
    ended: str = ""  # why this announcement is not taken here any more (three MessageRefused, a cap)


@dataclass(frozen=True, slots=True)
class Outlook:
    """The world at one moment. A channel that is missing was removed from the settings."""

    channels: Mapping[str, ChannelStanding]
    offline: bool = False  # our own line carries nothing now: what waits is held
    quiet_until: datetime | None = None
