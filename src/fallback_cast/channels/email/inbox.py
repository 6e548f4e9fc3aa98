"""`[channel.inbox]`: the mailbox that bounces come to, read over IMAP (RFC 3501).

A mail that was read gets a mark of ours (a keyword; \\Seen where the server keeps none) and stays.
imaplib is the standard library's, and works in a thread; one pass is a handful of commands.
"""

from __future__ import annotations

import imaplib
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from pydantic import Field

from fallback_cast.channels.email.bounces import read_bounce
from fallback_cast.channels.kit.http import ssl_context, tls_reason
from fallback_cast.channels.kit.settings import DurationField, SecretField, StrictModel
from fallback_cast.model.errors import AccessDenied, Layer, Unavailable
from fallback_cast.model.receipt import Receipt, Signer

MARK = "FallbackCastRead"
AT_MOST = 500  # mails of one pass
MAX_BYTES = 256_000  # of one mail; a report's own part comes first
USUAL_PORT = {"tls": 993, "starttls": 143, "none": 143}


class InboxSettings(StrictModel):
    """Keys of `[channel.inbox]`."""

    host: str = Field(pattern=r"^[A-Za-z0-9.:_-]{1,255}$", description="Name of the IMAP server")
    port: int = Field(0, ge=0, le=65535, description="993 for tls, 143 otherwise")
    security: Literal["tls", "starttls", "none"] = Field(
        "tls", description="none is for this machine or a trusted local network only"
    )
    username: str = Field(repr=False, description="Login, usually the whole address")
    password: SecretField = Field(description="Password, or app password, of that login")
    folder: str = Field("INBOX", pattern=r'^[^"\\\r\n]{1,200}$', description="Folder that bounces come to")
    ca_file: Path | None = Field(None, description="Certificate authority of a private mail server")
    timeout: DurationField = Field(
        timedelta(seconds=20), description="Without an answer within this time it is tried next time"
    )


@dataclass(slots=True)
class Read:
    """What a pass has read: receipts, and the mails to mark once those are stored."""

    receipts: Sequence[Receipt]
    uids: Sequence[bytes]


class Inbox:
    """Blocking: call it in a thread. Raises AccessDenied or Unavailable."""

    def __init__(self, settings: InboxSettings, signer: Signer, base_dir: Path) -> None:
        self._settings = settings
        self._signer = signer
        ca_file = base_dir / settings.ca_file if settings.ca_file else None
        self._context = None if settings.security == "none" else ssl_context(ca_file)

    def read(self) -> Read:
        """Mails that were not read before; nothing is marked yet."""
        with _in_words(), self._open() as imap:
            return self._read(imap)

    def mark(self, read: Read) -> None:
        """What `read` found is stored: do not read it again."""
        if not read.uids:
            return
        with _in_words(), self._open() as imap:
            keyword = self._select(imap)
            imap.uid("STORE", b",".join(read.uids).decode(), "+FLAGS.SILENT", f"({keyword})")

    def _read(self, imap: imaplib.IMAP4) -> Read:
        keyword = self._select(imap)
        unread = f"UNKEYWORD {keyword}" if keyword == MARK else "UNSEEN"
        _, found = imap.uid("SEARCH", unread)
        uids = (found[0] or b"").split()[:AT_MOST]
        now = datetime.now(UTC)
        receipts = [receipt for uid in uids if (receipt := self._one(imap, uid, now)) is not None]
        return Read(receipts, uids)

    def _one(self, imap: imaplib.IMAP4, uid: bytes, now: datetime) -> Receipt | None:
        _, answer = imap.uid("FETCH", uid.decode(), f"(BODY.PEEK[]<0.{MAX_BYTES}>)")
        raw = next((part[1] for part in answer if isinstance(part, tuple)), None)
        return read_bounce(raw, self._signer, now) if isinstance(raw, bytes) else None

    def _open(self) -> imaplib.IMAP4:
        s = self._settings
        port, timeout = s.port or USUAL_PORT[s.security], s.timeout.total_seconds()
        imap: imaplib.IMAP4
        if s.security == "tls":
            imap = imaplib.IMAP4_SSL(s.host, port, ssl_context=self._context, timeout=timeout)
        else:
            imap = imaplib.IMAP4(s.host, port, timeout=timeout)
            if self._context is not None:
                imap.starttls(self._context)
        try:
            secret = f"\0{s.username}\0{s.password.reveal()}".encode()
            if "AUTH=PLAIN" in imap.capabilities:
                imap.authenticate("PLAIN", lambda _: secret)
            else:
                imap.login(s.username, s.password.reveal())
        except UnicodeError:  # LOGIN knows ASCII only
            imap.shutdown()
            raise AccessDenied("the mailbox of the bounces refuses the login", layer=Layer.ACCOUNT) from None
        except imaplib.IMAP4.error as error:
            imap.shutdown()
            if isinstance(error, imaplib.IMAP4.abort):
                raise
            raise AccessDenied("the mailbox of the bounces refuses the login", layer=Layer.ACCOUNT) from None
        return imap

    def _select(self, imap: imaplib.IMAP4) -> str:
        """Open the folder; returns the flag that marks a mail as read by us."""
        status, _ = imap.select(f'"{self._settings.folder}"')
        if status != "OK":
            raise AccessDenied("the folder of the bounces does not exist", layer=Layer.ACCOUNT)
        flags = imap.response("PERMANENTFLAGS")[1] or [b""]
        return MARK if b"\\*" in (flags[0] or b"") else "\\Seen"


@contextmanager
def _in_words() -> Iterator[None]:
    """Faults of the mailbox as errors without host names or addresses."""
    try:
        yield
    except ssl.SSLError as error:
        raise Unavailable(tls_reason(error), layer=Layer.TLS) from None
    except TimeoutError:
        raise Unavailable("no answer in time", layer=Layer.ROUTE) from None
    except (OSError, imaplib.IMAP4.error):
        raise Unavailable("the mailbox of the bounces cannot be read", layer=Layer.SERVICE) from None
