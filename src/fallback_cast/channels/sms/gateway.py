"""What every SMS gateway has: settings, pacing, failure domains, and how long a message is of use."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, AnyHttpUrl, Field

from fallback_cast.channels.kit.http import HttpClient, ssl_context
from fallback_cast.channels.kit.settings import DurationField, ProviderSettings, SecretField
from fallback_cast.channels.sms.message import SmsMessage
from fallback_cast.model.channel import Pace, Provider
from fallback_cast.model.secret import Secret

# A gateway forgets a message after this at the earliest; less would be lost in the time it takes to send.
LEAST_VALIDITY = timedelta(minutes=1)


def _check_sender(value: str) -> str:
    """TS 23.040 §9.1.2.5: a number, or up to eleven characters of the GSM alphabet (kept to ASCII here,
    as operators do)."""
    if value.removeprefix("+").isascii() and value.removeprefix("+").isdigit() and len(value) <= 16:
        return value
    letters = value.replace(" ", "")
    if 3 <= len(value) <= 11 and letters.isascii() and letters.isalnum() and value == value.strip():
        return value
    raise ValueError("a sender is a number, or 3 to 11 letters, digits and spaces without accents")


Sender = Annotated[str, AfterValidator(_check_sender)]


def _check_url(url: AnyHttpUrl) -> AnyHttpUrl:
    if url.username or url.password:
        raise ValueError("user name and password have keys of their own; leave them out of the url")
    if url.query or url.fragment:
        raise ValueError("the url ends with its path; leave out what follows ? or #")
    return url


GatewayUrl = Annotated[AnyHttpUrl, AfterValidator(_check_url)]


ONE_LINE = r"^[^\x00-\x1f\x7f]+$"


def _check_password(secret: Secret) -> Secret:
    if not re.match(ONE_LINE, secret.reveal()):
        raise ValueError("the password holds a line break or another control character")
    return secret


def _check_key(secret: Secret) -> Secret:
    if not re.match(r"^[\x21-\x7e]+$", secret.reveal()):
        raise ValueError("a key of a gateway is one word of letters, digits and signs")
    return secret


KeyField = Annotated[SecretField, AfterValidator(_check_key)]


class HttpSettings(ProviderSettings):
    """Keys of every gateway over HTTP. Kinds add their own in a subclass with a literal `kind`."""

    kind: str
    interval: DurationField = Field(
        timedelta(milliseconds=200),
        description="Time from one message to the next, for everybody who uses it",
    )
    needs: Literal["internet", "local"] | None = Field(
        None, description='"local": reached without our internet line; by default what the channel says'
    )
    timeout: DurationField = Field(timedelta(seconds=15), description="How long to wait for an answer")
    ca_file: Path | None = Field(None, description="Certificate authority of a private gateway")

    @property
    def address(self) -> AnyHttpUrl:
        """Where the gateway answers."""
        raise NotImplementedError

    @property
    def label(self) -> str:
        """What the gateway is called: its name, or else its host."""
        return self.name or self.address.host or ""

    @property
    def lacks_sender(self) -> bool:
        """Whether it sends nothing until the channel names a sender."""
        return False

    def build(self, defaults: GatewayDefaults) -> Gateway:
        """The provider that these settings describe."""
        raise NotImplementedError


class GatewaySettings(HttpSettings):
    """Keys of a gateway of one's own, which wants a user name and a password."""

    url: GatewayUrl
    username: str = Field(pattern=ONE_LINE)
    password: Annotated[SecretField, AfterValidator(_check_password)]

    @property
    def address(self) -> AnyHttpUrl:
        return self.url


class HostedSettings(HttpSettings):
    """Keys of a company's gateway, whose address is known."""

    base_url: GatewayUrl
    sender: Sender | None = Field(
        None, description="Who the message is from; by default the channel's sender"
    )

    @property
    def address(self) -> AnyHttpUrl:
        return self.base_url

    @property
    def lacks_sender(self) -> bool:
        return self.sender is None


@dataclass(frozen=True, slots=True, kw_only=True)
class GatewayDefaults:
    """What a gateway takes from its channel where its own settings say nothing."""

    sender: str | None = None
    validity: timedelta
    failure_domains: tuple[str, ...] | None = None
    base_dir: Path


class Gateway(Provider):
    """One gateway over HTTP."""

    max_in_flight = 10

    def __init__(
        self,
        settings: HttpSettings,
        defaults: GatewayDefaults,
        *,
        auth: tuple[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        """`auth`: user name and password, if the gateway takes them as HTTP Basic."""
        parts = urlsplit(str(settings.address))
        host = parts.hostname or ""
        self.name = settings.label
        self.failure_domains = frozenset(settings.failure_domains or defaults.failure_domains or (host,))
        self._path = parts.path.rstrip("/")
        self._ca_file = settings.ca_file and defaults.base_dir / settings.ca_file
        self._read_s = settings.timeout.total_seconds()
        self._client = HttpClient(
            f"{parts.scheme}://{parts.netloc}",
            headers=headers,
            auth=auth,
            ca_file=self._ca_file,
            read_s=self._read_s,
        )
        self.endpoints = (self._client.endpoint,)
        self._tls = ssl_context(self._ca_file) if parts.scheme == "https" else None
        self._validity = defaults.validity
        self._pace = Pace(f"sms:{parts.netloc}", settings.interval.total_seconds())

    def paces(self, address: str) -> Sequence[Pace]:
        return (self._pace,)

    def useful_for(self, message: SmsMessage) -> timedelta:
        """How long the gateway may try: until the announcement expires, at most `validity`.

        Without this an SMS for a phone that is off comes days later, long after the match.
        """
        left = message.expires_at - datetime.now(UTC)
        return max(LEAST_VALIDITY, min(left, self._validity))

    async def close(self) -> None:
        await self._client.close()
