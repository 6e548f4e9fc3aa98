"""What `init` asks for: the first settings of a club, before they are written down."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from fallback_cast.settings.mailboxes import Mailbox

# Name servers of two operators, and a page of a third (IANA's): together they show whether we are
# online. Only connections are made; no name is asked for.
REFERENCES = ("tcp://9.9.9.9:53", "tcp://1.1.1.1:53", "https://www.example.org/")


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteAnswers:
    directory: str = "public"


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayAnswers:
    """A mail server. `password` is a reference such as `file:secrets/email`."""

    host: str
    port: int
    security: Literal["starttls", "tls", "none"]
    username: str | None = None
    password: str | None = None
    max_per_day: int | None = None
    ca_file: str | None = None

    @classmethod
    def of(cls, mailbox: Mailbox, username: str, password: str, ca_file: str | None = None) -> RelayAnswers:
        return cls(
            host=mailbox.host,
            port=mailbox.port,
            security=mailbox.security,
            username=username,
            password=password,
            max_per_day=mailbox.per_day,
            ca_file=ca_file,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class EmailAnswers:
    sender: str
    relays: tuple[RelayAnswers, ...]
    to: tuple[str, ...] = ()
    everybody_reads: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class TelegramAnswers:
    token: str
    chat: str | None = None
    everybody_reads: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class MatrixAnswers:
    homeserver: str
    access_token: str
    room: str | None = None
    everybody_reads: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class SmsAnswers:
    gateway: Literal["kannel", "smsgate"]
    url: str
    username: str
    password: str
    sender: str | None = None
    local: bool = False  # reached without our internet line: a phone on the club's own network


@dataclass(frozen=True, slots=True, kw_only=True)
class AppriseAnswers:
    name: str
    url: str  # a reference: an Apprise URL is itself a secret
    everybody_reads: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualAnswers:
    name: str
    instructions: str
    everybody_reads: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """What `init` has asked for. Channels are written in the order of the fields, which is their rank."""

    club_name: str
    language: Literal["fr", "en"] = "fr"
    timezone: str = "Europe/Paris"
    site_url: str | None = None
    site: SiteAnswers | None = None
    telegram: TelegramAnswers | None = None
    matrix: MatrixAnswers | None = None
    email: EmailAnswers | None = None
    sms: SmsAnswers | None = None
    apprise: tuple[AppriseAnswers, ...] = ()
    manual: tuple[ManualAnswers, ...] = ()
    organiser: str | None = None  # an email address: who gets rehearsals, and is told of outages
    references: tuple[str, ...] = REFERENCES
