"""How long the ledger waits before the same route is tried again. Seconds are tenacity's, not ours."""

from __future__ import annotations

import hashlib
from datetime import timedelta

_STEPS = (1, 4, 10, 30, 60, 120)  # times the base: 30 s, 2, 5, 15, 30, 60 min


def ledger_wait(patience: timedelta, tries: int, seed: str) -> timedelta:
    """Grows with the tries, capped at an hour, ±50 % so that not all come at once.

    The base fits into the patience (an urgent one has 20 s in all). The jitter follows from the
    seed: the same delivery and try give the same wait, so the decision stays a pure function.
    """
    base = min(max(patience.total_seconds() / 8, 1.0), 30.0)
    step = _STEPS[min(max(tries, 1), len(_STEPS)) - 1]
    spread = int.from_bytes(hashlib.sha256(f"{seed}/{tries}".encode()).digest()[:4]) / 2**32
    return timedelta(seconds=min(base * step, 3600.0) * (0.5 + spread))
