"""The six ways a send can fail, named by whose move is next (design §5), and the mistakes of people.

    FallbackCastError
    ├── UserError            settings, arguments, files: a person mends it (exit code 2)
    ├── LedgerError          the durable record cannot be read or written
    └── SendError            one send on one route failed
        ├── Unavailable      surely not sent, not about us
        ├── Throttled        too fast; the provider is well
        ├── AccessDenied     our account or settings are refused
        ├── AddressRefused   this address is wrong, gone or blocked
        ├── MessageRefused   this content is not taken here
        └── OutcomeUnknown   it may have gone out

No error text ever holds a secret, a full address, a URL or a message body (P9).
"""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar


class FallbackCastError(Exception):
    """Root of everything this program raises on purpose."""


class UserError(FallbackCastError):
    """Something a person can mend: one sentence what, one where, one how.

    `where` names file, line and key if known; `hint` says how to mend it.
    """

    def __init__(self, what: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.hint = hint


class LedgerError(UserError):
    """The ledger cannot be opened, read or written (full disk, locked, newer schema)."""


class Layer(StrEnum):
    """Where a failure was seen, from the outside in (design §6)."""

    NAME = "name"
    ROUTE = "route"
    TLS = "tls"
    SERVICE = "service"
    ACCOUNT = "account"
    RATE = "rate"


class Scope(StrEnum):
    """What an error tells about: one address, one place, our account, or the whole platform."""

    ADDRESS = "address"
    PLACE = "place"
    ACCOUNT = "account"
    PLATFORM = "platform"


class SendError(FallbackCastError):
    """One send failed. `reason` is short, technical and free of secrets: it becomes evidence."""

    word: ClassVar[str] = "send-error"
    scope: Scope = Scope.PLATFORM
    layer: Layer | None = None

    def __init__(self, reason: str, *, layer: Layer | None = None, scope: Scope | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        if layer is not None:
            self.layer = layer
        if scope is not None:
            self.scope = scope


class Unavailable(SendError):
    """Surely not sent, and it is not about us: evidence of an outage."""

    word = "unavailable"
    layer = Layer.SERVICE


class Throttled(SendError):
    """We are too fast. `retry_after` is in seconds, as the provider said it."""

    word = "throttled"
    scope = Scope.ACCOUNT
    layer = Layer.RATE

    def __init__(self, reason: str, retry_after: float, *, layer: Layer | None = None) -> None:
        super().__init__(reason, layer=layer)
        self.retry_after = max(0.0, retry_after)


class AccessDenied(SendError):
    """Our key, account, rights or settings are refused (or, with scope PLACE, for one place only)."""

    word = "access-denied"
    scope = Scope.ACCOUNT
    layer = Layer.ACCOUNT


class AddressRefused(SendError):
    """This address is wrong, gone or blocked; it proves that the platform lives.

    `moved_to` is the new address if the provider named one (Telegram's migrated groups): the
    message did not go out, and the same attempt may be made there at once.
    """

    word = "address-refused"
    scope = Scope.ADDRESS

    def __init__(self, reason: str, *, moved_to: str | None = None, scope: Scope | None = None) -> None:
        super().__init__(reason, scope=scope)
        self.moved_to = moved_to


class MessageRefused(SendError):
    """This content is not taken here; the same content never will be."""

    word = "message-refused"
    scope = Scope.PLACE


class OutcomeUnknown(SendError):
    """It may have gone out: the answer was lost, cut, late or unreadable."""

    word = "outcome-unknown"
    layer = Layer.SERVICE
