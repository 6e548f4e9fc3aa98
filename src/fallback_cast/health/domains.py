"""Failure domains: what is down together. Pure.

A platform that is down speaks for its domains as long as nobody else of them has shown life since its
outage began. Then all their platforms are passed over, also those not yet tried. What concerns one
platform alone (our account, its certificate) speaks for nobody else.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from fallback_cast.health.judgement import Judgement
from fallback_cast.model.errors import Layer
from fallback_cast.model.health import Verdict


@dataclass(frozen=True, slots=True)
class Platform:
    """One provider with its failure domains and what is held of it."""

    channel: str
    provider: str
    domains: frozenset[str]
    judgement: Judgement
    lived_at: datetime | None  # its last sign of life


def down_domains(platforms: Iterable[Platform]) -> dict[str, Platform]:
    """The domains that are down, each with the platform whose outage began first."""
    known = list(platforms)
    down: dict[str, Platform] = {}
    for speaker in sorted(filter(_speaks, known), key=_age):
        for domain in speaker.domains - down.keys():
            if not any(domain in other.domains and _lived_since(other, speaker) for other in known):
                down[domain] = speaker
    return down


def _speaks(platform: Platform) -> bool:
    judged = platform.judgement
    alone = judged.configuration or judged.certificate or judged.layer in (Layer.ACCOUNT, Layer.RATE)
    return judged.verdict is Verdict.DOWN and not alone


def _age(platform: Platform) -> tuple[datetime, str, str]:
    return _began(platform), platform.channel, platform.provider


def _began(platform: Platform) -> datetime:
    return platform.judgement.began_at or platform.judgement.since


def _lived_since(other: Platform, speaker: Platform) -> bool:
    return other.lived_at is not None and other.lived_at >= _began(speaker)
