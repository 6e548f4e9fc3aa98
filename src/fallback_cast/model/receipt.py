"""Receipts: what is told of an attempt after it was accepted, and what that makes of it (design §5)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from fallback_cast.model.delivery import Outcome

PREFIX_LENGTH, PROOF_LENGTH = 20, 12


class Told(StrEnum):
    """What a receipt tells."""

    DELIVERED = "delivered"
    FAILED = "failed"
    ACKNOWLEDGED = "acknowledged"
    COMPLAINT = "complaint"  # the reader calls it spam
    UNSUBSCRIBED = "unsubscribed"  # the reader wants no more on this address


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """One receipt for the attempt that `key_prefix` names: the beginning of its key, proven genuine."""

    key_prefix: str
    told: Told
    source: str  # dsn, arf, mail, kannel, …
    at: datetime
    detail: str = ""  # in short words: no address, no body
    gone: bool = False  # the address itself is wrong: it is suppressed


def outcome_after(outcome: Outcome, told: Collection[Told]) -> Outcome:
    """What an attempt is after all its receipts, in whatever order they came.

    Acknowledged beats failed beats delivered beats accepted; what never was accepted stays as it is.
    """
    if Told.ACKNOWLEDGED in told:
        return Outcome.DELIVERED
    if Told.FAILED in told:
        return Outcome.FAILED
    if Told.DELIVERED in told or Told.COMPLAINT in told or Told.UNSUBSCRIBED in told:
        return Outcome.DELIVERED  # whoever complains has read it
    return outcome


@dataclass(frozen=True, slots=True, repr=False)
class Signer:
    """Makes and proves tokens that name an attempt, by the ledger's own key."""

    key: bytes

    def token(self, attempt_key: str, use: str = "attempt") -> str:
        """32 hexadecimal signs: the beginning of the attempt's key, and a proof that we made this.

        A token made for one use proves nothing for another.
        """
        prefix = attempt_key[:PREFIX_LENGTH]
        return prefix + self._proof(prefix, use)

    def prefix(self, token: str, use: str = "attempt") -> str | None:
        """What `token` began with, or None if we did not make it for this use."""
        if not token.isascii():
            return None
        prefix, proof = token[:PREFIX_LENGTH], token[PREFIX_LENGTH:]
        genuine = hmac.compare_digest(proof, self._proof(prefix, use))
        return prefix if genuine and len(prefix) == PREFIX_LENGTH else None

    def _proof(self, prefix: str, use: str) -> str:
        about = f"{use} {prefix}".encode()
        return hmac.new(self.key, about, hashlib.sha256).hexdigest()[:PROOF_LENGTH]
