"""The numbers by which outages are judged."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The numbers of design §5 and §6; `docs/outages.md` argues for the others."""

    open_at: float = 3.0  # failures in a row; an unknown outcome counts half
    confirmed: float = 2.0  # two witnesses
    fact: float = 3.0  # a certificate that is not valid: waiting does not change it
    rest: timedelta = timedelta(seconds=30)  # times the number of openings …
    rest_at_most: timedelta = timedelta(seconds=300)  # … up to this
    flaps: int = 3  # openings …
    flaps_within: timedelta = timedelta(minutes=30)  # … within this: it comes and goes …
    quiet: timedelta = timedelta(minutes=15)  # … until nothing failed for so long
    memory: timedelta = timedelta(hours=2)  # an older suspicion says nothing about now
    hint_after: timedelta = timedelta(seconds=60)  # a good word younger than this outweighs a status feed


RULES = Rules()
