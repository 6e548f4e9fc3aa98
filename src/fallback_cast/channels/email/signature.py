"""DKIM signatures (RFC 6376), where the club signs its mail itself and not its relay.

dkimpy computes; RSA in pure Python takes some milliseconds for each letter, so it runs in a thread.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

from pydantic import Field, model_validator

from fallback_cast.channels.email.mime import END
from fallback_cast.channels.kit.settings import SecretField, StrictModel

# From twice: nobody can add a second one. RFC 8058 §4 wants both List-Unsubscribe headers among them.
SIGNED = (
    *("from", "from", "to", "subject", "date", "message-id", "references", "reply-to"),
    *("mime-version", "content-type", "list-id", "list-unsubscribe", "list-unsubscribe-post"),
)
_STUFFED = re.compile(rb"(?m)^\.")


class DkimSettings(StrictModel):
    """Keys of `[channel.dkim]`."""

    domain: str = Field(
        pattern=r"^[A-Za-z0-9.-]{1,253}$", description="Whose signature it is: the sender's domain"
    )
    selector: str = Field(
        pattern=r"^[A-Za-z0-9._-]{1,63}$", description="The key is published at selector._domainkey.domain"
    )
    private_key: SecretField = Field(description="RSA key in PEM, for example file:dkim.pem")

    @model_validator(mode="after")
    def _key_is_one(self) -> Self:
        from dkim.crypto import UnparsableKeyError, parse_pem_private_key

        try:
            parse_pem_private_key(self.private_key.reveal().encode())
        except (UnparsableKeyError, ValueError, KeyError, TypeError, IndexError):
            raise ValueError("the private key is no RSA key in PEM") from None
        return self


@dataclass(frozen=True, slots=True, repr=False)
class Seal:
    """Signs letters."""

    domain: bytes
    selector: bytes
    private_key: bytes

    @classmethod
    def of(cls, settings: DkimSettings) -> Self:
        return cls(
            settings.domain.lower().encode(),
            settings.selector.encode(),
            settings.private_key.reveal().encode(),
        )

    def put_on(self, data: bytes) -> bytes:
        """A letter in wire form, with its signature in front. Blocking."""
        import dkim

        signature: bytes = dkim.sign(
            _STUFFED.sub(b"", data.removesuffix(END)),  # as the reader's server will see it
            self.selector,
            self.domain,
            self.private_key,
            canonicalize=(b"relaxed", b"relaxed"),
            include_headers=list(SIGNED),
        )
        return signature + data
