"""Links that a message carries: to leave, and to acknowledge. Each belongs to one address (P11).

The page behind a link asks before anything changes: mail scanners follow links. What `read_link` gives is
taken in like any other receipt, once a person has pressed the button, or a mail program has posted
`List-Unsubscribe=One-Click` (RFC 8058).
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from fallback_cast.model.receipt import Receipt, Signer, Told

TOKEN_LENGTH = 32
ONE_CLICK = "List-Unsubscribe=One-Click"  # the whole of such a POST's body (RFC 8058 §3.1)


class Page(StrEnum):
    """Where a link leads; the token of one page opens no other."""

    UNSUBSCRIBE = "u"
    ACKNOWLEDGE = "a"


_TOLD = {
    Page.UNSUBSCRIBE: (Told.UNSUBSCRIBED, "asked for on our own page"),
    Page.ACKNOWLEDGE: (Told.ACKNOWLEDGED, ""),
}


def link(public_url: str, page: Page, signer: Signer, key: str) -> str:
    """The address of a page for the attempt with this key."""
    return f"{public_url.rstrip('/')}/{page}/{signer.token(key, page.value)}"


def read_link(page: Page, token: str, signer: Signer, at: datetime) -> Receipt | None:
    """What a yes on this page tells, or None: we did not make this token. Links do not grow old."""
    if len(token) != TOKEN_LENGTH:
        return None
    prefix = signer.prefix(token, page.value)
    if prefix is None:
        return None
    told, detail = _TOLD[page]
    return Receipt(key_prefix=prefix, told=told, source="page", at=at, detail=detail)
