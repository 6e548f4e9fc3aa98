"""Keys of a `[[channel]]` with `kind = "email"` and of its `[[channel.relay]]`."""

from __future__ import annotations

import ipaddress
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from fallback_cast.channels.email.addresses import clean_address, parse_sender
from fallback_cast.channels.email.inbox import InboxSettings
from fallback_cast.channels.email.signature import DkimSettings
from fallback_cast.channels.kit.settings import ChannelSettings, DurationField, ProviderSettings, SecretField

Security = Literal["starttls", "tls", "none"]

# RFC 6409, RFC 8314 §3.3; port 25 only where there is neither TLS nor login.
USUAL_PORT = {"starttls": 587, "tls": 465, "none": 25}
_LOCAL_ENDINGS = (".local", ".lan", ".internal", ".home.arpa", ".localhost")


def _sender(value: str) -> str:
    parse_sender(value)
    return value


def _own_address(value: str) -> str:
    address = clean_address(value)
    if not address.isascii():
        raise ValueError("this address may have no accents before the @-sign")
    return address


def _bounce_address(value: str) -> str:
    address = _own_address(value)
    # RFC 5321 §4.5.3.1.1: a local part has at most 64 octets; "+" and 32 signs are added to it.
    if len(address.rpartition("@")[0]) > 31:
        raise ValueError("at most 31 signs may stand before the @-sign of a bounce address")
    return address


def _list_id(value: str) -> str:
    labels = value.split(".")
    if len(labels) < 2 or not all(label.isascii() and label.replace("-", "").isalnum() for label in labels):
        raise ValueError("a list-id looks like a host name, for example announcements.club.example")
    return value


Address = Annotated[str, AfterValidator(clean_address)]
OwnAddress = Annotated[str, AfterValidator(_own_address)]


class RelaySettings(ProviderSettings):
    """One `[[channel.relay]]`: a mail server that takes our messages. The order is the rank."""

    host: str = Field(pattern=r"^[A-Za-z0-9.:_-]{1,255}$", description="Name of the mail server")
    port: int = Field(0, ge=0, le=65535, description="587 for starttls, 465 for tls, 25 for none")
    security: Security = Field(
        "starttls",
        description="starttls and tls refuse to go on without a valid certificate; none is for this machine "
        "or a trusted local network only",
    )
    username: str | None = Field(None, repr=False, description="Login, usually the whole address")
    password: SecretField | None = Field(None, description="Password, or app password, of that login")
    ca_file: Path | None = Field(None, description="Certificate authority of a private mail server")
    ehlo_name: str | None = Field(
        None,
        pattern=r"^[A-Za-z0-9.:\[\]-]{1,255}$",
        description="What we call ourselves; our IP address if left out",
    )
    rate: float = Field(10.0, gt=0, description="Messages each second, and how many of them at once")
    max_per_day: int | None = Field(
        None,
        ge=1,
        description="What the mailbox provider allows: so many at once, then spread evenly over 24 hours",
    )
    max_connections: int = Field(4, ge=1, le=50, description="Connections to this server at one time")
    connect_timeout: DurationField = Field(timedelta(seconds=15), description="Name, connection and greeting")
    command_timeout: DurationField = Field(timedelta(seconds=60), description="Answer to each command")
    final_timeout: DurationField = Field(
        timedelta(minutes=10), description="Answer to the whole message; who gives up earlier sends twice"
    )

    @model_validator(mode="after")
    def _login_is_whole_and_safe(self) -> Self:
        if (self.username is None) != (self.password is None):
            raise ValueError("a login needs both username and password")
        if self.password is not None and self.security == "none" and not _stays_near(self.host):
            raise ValueError('a password would travel in clear: use security = "starttls" or "tls"')
        return self

    @property
    def usual_port(self) -> int:
        return self.port or USUAL_PORT[self.security]

    @property
    def usual_name(self) -> str:
        return self.name or self.host.lower()


class Settings(ChannelSettings):
    """Keys of a `[[channel]]` with `kind = "email"`."""

    kind: Literal["email"]
    sender: Annotated[str, AfterValidator(_sender)] = Field(
        repr=False, description="Who the messages are from: Name <address>"
    )
    to: tuple[Address, ...] = Field(
        (), max_length=50, repr=False, description="The place: one or several addresses, for example a list"
    )
    reply_to: OwnAddress | None = Field(
        None, repr=False, description="Where answers go, if not to the sender"
    )
    list_id: Annotated[str, AfterValidator(_list_id)] | None = Field(
        None, description="Name for mail filters; made from the channel and the sender if left out"
    )
    bounce_address: Annotated[str, AfterValidator(_bounce_address)] | None = Field(
        None, repr=False, description="Mailbox for bounces that also takes name+anything@; names the attempt"
    )
    unsubscribe: OwnAddress | None = Field(
        None, repr=False, description="Mailbox to which people write who want no more messages"
    )
    inbox: InboxSettings | None = Field(
        None, description="Where bounces, complaints and unsubscribe mails are read"
    )
    dkim: DkimSettings | None = Field(
        None, description="Sign each message, where no relay does it for this sender"
    )
    relay: tuple[RelaySettings, ...] = Field(
        min_length=1, description="Mail servers, the first one preferred"
    )

    @model_validator(mode="after")
    def _inbox_is_written_to(self) -> Self:
        if self.inbox is not None and self.bounce_address is None:
            raise ValueError("an inbox needs bounce_address: the address whose mails come into it")
        return self

    @model_validator(mode="after")
    def _signed_by_the_sender(self) -> Self:
        if self.dkim is not None:
            own = "." + parse_sender(self.sender)[1].rpartition("@")[2].lower()
            if not own.endswith("." + self.dkim.domain.lower()):
                raise ValueError("the domain of [channel.dkim] is the sender's, or one above it")
        return self

    @model_validator(mode="after")
    def _relays_have_own_names(self) -> Self:
        names = [relay.usual_name for relay in self.relay]
        if len(set(names)) != len(names):
            raise ValueError("two relays have the same host: give each a name of its own")
        return self


def _stays_near(host: str) -> bool:
    """Whether the host is this machine or stands in a private network, as far as its name tells."""
    try:
        return ipaddress.ip_address(host).is_private
    except ValueError:
        return "." not in host or host.lower().endswith(_LOCAL_ENDINGS)
