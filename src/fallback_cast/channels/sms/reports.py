"""Kannel's delivery reports: the address it calls, and what such a call tells.

Kannel 1.4.5 user guide, "Delivery Reports" (read 2026-11): it calls the address that came with the
message, with the kind of report in place of `%d`: 1 delivered, 2 not delivered, 4 queued, 8 taken by
the operator, 16 refused by the operator.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from fallback_cast.model.receipt import Receipt, Signer, Told

DELIVERED, UNDELIVERED, REFUSED = 1, 2, 16
USE = "report"  # of our tokens: what a mail carries is of no use here
MASK = DELIVERED | UNDELIVERED | REFUSED  # the others are no end of anything


def report_url(receipts_url: str, signer: Signer, key: str) -> str:
    """Where Kannel is to call for this attempt; `%d` is left for Kannel to fill in."""
    return f"{receipts_url}?token={signer.token(key, USE)}&type=%d"


def read_report(query: Mapping[str, str], signer: Signer, at: datetime) -> Receipt | None:
    """What a call tells, or None: forged, of no attempt of ours, or no end of anything. Never raises.

    A number is not suppressed for it: operators say "undelivered" of a phone that was off, too.
    """
    token, kind = query.get("token", ""), query.get("type", "")
    if not (kind.isascii() and kind.isdigit() and len(kind) <= 3):
        return None
    prefix, bits = signer.prefix(token, USE), int(kind)
    if prefix is None or not bits & MASK:
        return None
    if bits & DELIVERED:
        told, detail = Told.DELIVERED, ""
    else:
        told, detail = Told.FAILED, "refused by the operator" if bits & REFUSED else "not delivered"
    return Receipt(key_prefix=prefix, told=told, source="kannel", at=at, detail=detail)
