"""What a channel makes of an announcement, and what a provider answers."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Message:
    """The announcement rendered for one channel; channels add what they need in subclasses.

    `text` is what a reader will see, as plain text: previews show it, and never log it.
    """

    text: str


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider took it. `delivered` only if the provider itself proved that it is there."""

    reference: str | None = None
    delivered: bool = False
    note: str = ""


def keys_until(announcement_id: str, revision: int, channel: str, address: str) -> list[str]:
    """The key of each revision up to this one, in order: all that ever went to this address."""
    return [idempotency_key(announcement_id, r, channel, address) for r in range(1, revision + 1)]


def idempotency_key(announcement_id: str, revision: int, channel: str, address: str, part: int = 0) -> str:
    """Names an attempt (P11): the same for every try, provider and person behind one address."""
    parts = "\x1f".join((announcement_id, str(revision), channel, address, str(part)))
    return hashlib.sha256(parts.encode()).hexdigest()[:32]
