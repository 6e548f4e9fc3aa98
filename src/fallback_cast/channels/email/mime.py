"""The message as bytes: built once for an announcement, completed for each address.

Building a MIME message costs ten times its sending (docs/benchmarks.md), so everything that is the
same for all is built once by the standard library; the few header lines that differ are put in front
of it. Nothing is searched or replaced, so no text can pose as a placeholder.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from fallback_cast.channels.email.addresses import on_wire, split_place, verp
from fallback_cast.model.announcement import Announcement, Importance
from fallback_cast.model.errors import MessageRefused
from fallback_cast.model.links import Page, link
from fallback_cast.model.message import Message
from fallback_cast.model.receipt import Signer

_TOKEN = re.compile(r"[A-Za-z0-9-]{1,32}")
_LEADING_DOT = re.compile(rb"(?m)^\.")
WIRE_LINE = "\r\n"
END = b".\r\n"


@dataclass(frozen=True, slots=True, repr=False)
class MailMessage(Message):
    """`common` are all lines but the personal ones, ready for the wire (RFC 5321 §4.5.2), end included."""

    subject: str
    common: bytes = field(default=b"")

    def __repr__(self) -> str:
        return f"MailMessage({len(self.common)} bytes)"


@dataclass(frozen=True, slots=True, repr=False)
class Letter:
    """One message in its envelope, as bytes for the wire."""

    sender: bytes
    recipients: tuple[bytes, ...]
    data: bytes
    token: str
    utf8: bool
    of_place: bool

    def __repr__(self) -> str:
        return f"Letter({len(self.recipients)} recipients, {len(self.data)} bytes)"


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Letterhead:
    """What of the settings stands in every message."""

    sender_name: str
    sender: str
    list_name: str
    list_id: str
    reply_to: str | None = None
    bounce_address: str | None = None
    unsubscribe: str | None = None
    signer: Signer | None = None
    public_url: str | None = None
    place: str | None = None

    @property
    def domain(self) -> str:
        return self.sender.rpartition("@")[2]

    def __repr__(self) -> str:
        return "Letterhead()"


def one_line(text: str) -> str:
    """A text that can stand in a header: no line breaks, no control or unpaired characters."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def build_common(head: Letterhead, announcement: Announcement, subject: str, text: str, html: str) -> bytes:
    """Everything but the personal lines, in wire form. The same arguments give the same bytes.

    Raises MessageRefused if the text cannot be encoded at all.
    """
    message = EmailMessage(policy=SMTP)
    for name, value in _headers(head, announcement).items():
        message[name] = value
    try:
        # Quoted-printable: 7 bit, so every server takes it unchanged, and still readable as it is.
        message.set_content(text, cte="quoted-printable")
        message.add_alternative(html, subtype="html", cte="quoted-printable")
    except UnicodeError:
        raise MessageRefused("the text holds characters that cannot be encoded") from None
    # "=_" cannot occur in quoted-printable (RFC 2045 §6.7), so no text can end the part.
    message.set_boundary(f"=_{_digest(announcement)}")
    return _LEADING_DOT.sub(b"..", _subject(subject) + message.as_bytes()) + END


def _subject(text: str) -> bytes:
    """The Subject in encoded words (RFC 2047). EmailMessage loses the space between two words where it
    begins a new line (Python 3.11); the older Header does not.
    """
    plain = text.isascii() and "=?" not in text
    header = Header(one_line(text), "us-ascii" if plain else "utf-8", header_name="Subject")
    return f"Subject: {header.encode(linesep=WIRE_LINE)}{WIRE_LINE}".encode("ascii")


def _headers(head: Letterhead, announcement: Announcement) -> dict[str, str | Address]:
    headers: dict[str, str | Address] = {
        "From": Address(head.sender_name, addr_spec=head.sender),
        "Date": format_datetime(announcement.created_at),
        # Corrections stand below what they correct, though no message of that id exists.
        "References": f"<fc.{_thread(announcement)}@{head.domain}>",
        "Auto-Submitted": "auto-generated",  # RFC 3834 §5: no automatic answers, please
        "Precedence": "list",
        "X-Auto-Response-Suppress": "All",
        "List-Id": f"{_phrase(head.list_name)} <{head.list_id}>",  # RFC 2919
    }
    if head.reply_to:
        headers["Reply-To"] = Address(addr_spec=head.reply_to)
    if announcement.importance is Importance.URGENT:
        headers["Importance"] = "high"
    return headers


def _phrase(text: str) -> str:
    """A name that needs no quoting in front of `<list-id>`."""
    return re.sub(r"[^\w\s'-]", " ", one_line(text))


def _thread(announcement: Announcement) -> str:
    return hashlib.sha256(announcement.id.encode()).hexdigest()[:32]


def _digest(announcement: Announcement) -> str:
    return hashlib.sha256(f"{announcement.id}\x1f{announcement.revision}".encode()).hexdigest()[:32]


def _ways_out(head: Letterhead, key: str, named: str, *, of_place: bool) -> list[str]:
    """How to leave: by one click (RFC 8058), and by mail. A place is left at its own list."""
    ways = []
    if head.public_url and head.signer and not of_place:
        ways.append(f"<{link(head.public_url, Page.UNSUBSCRIBE, head.signer, key)}>")
    one_click = ["List-Unsubscribe-Post: List-Unsubscribe=One-Click"] if ways else []
    if head.unsubscribe:
        ways.append(f"<mailto:{head.unsubscribe}?subject=unsubscribe%20{named}>")
    return [f"List-Unsubscribe: {', '.join(ways)}", *one_click] if ways else []


def complete(head: Letterhead, message: MailMessage, address: str, key: str) -> Letter:
    """The letter of one attempt: the same attempt gives the same bytes on every relay and every try.

    Raises ValueError if the address could not stand on the wire; `normalise` lets through none of those.
    """
    recipients = split_place(address)
    if not all(map(on_wire, recipients)):
        raise ValueError("an address that is not normalised")
    token = key if _TOKEN.fullmatch(key) else hashlib.sha256(key.encode()).hexdigest()[:32]
    # Addresses of a place do not learn of each other.
    shown = address if len(recipients) == 1 else head.sender
    lines = f"To: {shown}\r\nMessage-ID: <fc.{token}@{head.domain}>\r\n"
    named = head.signer.token(token) if head.signer else token
    of_place = address == head.place
    lines += "".join(f"{line}\r\n" for line in _ways_out(head, token, named, of_place=of_place))
    sender = verp(head.bounce_address, named) if head.bounce_address else head.sender
    return Letter(
        sender=sender.encode(),
        recipients=tuple(recipient.encode() for recipient in recipients),
        data=lines.encode() + message.common,
        token=token,
        utf8=not address.isascii(),
        of_place=of_place,
    )
