"""Reading bounces and complaints: what a mail tells of one attempt, if it is about one of ours.

Delivery status notifications (RFC 3464), feedback reports (RFC 5965), and mails to the unsubscribe
address. The attempt is named by the token in the address the mail came to (VERP), which only we can
make; nothing else of a mail is believed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from email import message_from_bytes
from email.message import Message
from email.policy import compat32

from fallback_cast.model.receipt import Receipt, Signer, Told

# RFC 3463 §3.2-3.3; the registry of 2024-12-06. Others of class 5 tell of us, or of this text.
GONE = frozenset({"1.1", "1.2", "1.3", "1.6", "1.10", "2.1"})
_STATUS = re.compile(r"\b([245])\.(\d{1,3}\.\d{1,3})\b")
_CAME_TO = ("Delivered-To", "X-Original-To", "Envelope-To", "X-Envelope-To", "To", "Cc", "Subject")
_TOKEN = re.compile(r"[0-9a-f]{32}")
_PARTS = 20  # of a mail; more is no report


def read_bounce(raw: bytes, signer: Signer, at: datetime) -> Receipt | None:
    """What this mail tells, or None: not about an attempt of ours, or nothing final. Never raises."""
    try:
        mail = message_from_bytes(raw, policy=compat32)
        return _read(mail, signer, at)
    except (ValueError, LookupError, AttributeError, TypeError, RecursionError):
        return None  # strangers write mails as they like


def _read(mail: Message, signer: Signer, at: datetime) -> Receipt | None:
    prefix = _named(mail, signer)
    if prefix is None:
        return None
    for part in _parts(mail):
        match part.get_content_type():
            case "message/delivery-status":
                return _status(part, prefix, at)
            case "message/feedback-report":
                return Receipt(
                    key_prefix=prefix, told=Told.COMPLAINT, source="arf", at=at, detail="reported as unwanted"
                )
    if "unsubscribe" in str(mail.get("Subject", "")).lower():
        return Receipt(
            key_prefix=prefix, told=Told.UNSUBSCRIBED, source="mail", at=at, detail="asked for by mail"
        )
    return None


def _named(mail: Message, signer: Signer) -> str | None:
    """The attempt that the mail's own address or subject names, proven."""
    for name in _CAME_TO:
        for value in mail.get_all(name, ()):
            for token in _TOKEN.findall(str(value)[:2000].lower()):
                prefix = signer.prefix(token)
                if prefix is not None:
                    return prefix
    return None


def _parts(mail: Message) -> Iterator[Message]:
    for number, part in enumerate(mail.walk()):
        if number >= _PARTS:
            return
        yield part


def _status(part: Message, prefix: str, at: datetime) -> Receipt | None:
    """The first recipient's fate. `delayed`, `relayed` and `expanded` are no end of anything."""
    blocks = part.get_payload()
    for block in blocks if isinstance(blocks, list) else ():
        if not isinstance(block, Message):
            continue
        action = str(block.get("Action", "")).strip().lower()
        found = _STATUS.search(str(block.get("Status", "")))
        code = found[0] if found else ""
        if action == "delivered":
            return Receipt(key_prefix=prefix, told=Told.DELIVERED, source="dsn", at=at, detail=code)
        if action == "failed":
            gone = found is not None and found[1] == "5" and found[2] in GONE
            return Receipt(
                key_prefix=prefix,
                told=Told.FAILED,
                source="dsn",
                at=at,
                detail=f"{code} {'no such mailbox' if gone else 'not delivered'}".strip(),
                gone=gone,
            )
    return None
