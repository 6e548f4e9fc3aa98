"""What stands in channels.toml, section by section, and the whole of it: `Settings`.

The keys of a `[[channel]]` belong to its kind: `Settings` of the module that channels/registry.py names.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import parse_qs, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import (
    AfterValidator,
    AnyHttpUrl,
    BeforeValidator,
    Field,
    PlainSerializer,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic.json_schema import WithJsonSchema

from fallback_cast.channels.kit.names import parse_server
from fallback_cast.channels.kit.settings import ChannelSettings, DurationField, SecretField, StrictModel
from fallback_cast.model.announcement import Importance
from fallback_cast.model.duration import format_duration, parse_duration
from fallback_cast.model.policy import DEFAULT_POLICIES, Policy
from fallback_cast.model.secret import Secret
from fallback_cast.model.texts import Phrase
from fallback_cast.settings.errors import Mistake, Problem, near_word

OFF = "off"
NAME = r"^[a-z0-9][a-z0-9_-]{0,31}$"
ImportanceWord = Literal["info", "normal", "urgent"]


def _known_timezone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        near = near_word(value, sorted(available_timezones()))
        hint = near or Phrase("for example {example}", example="Europe/Paris")
        raise Mistake(Phrase("this is no time zone"), hint) from None
    return value


def _public(url: AnyHttpUrl) -> AnyHttpUrl:
    if url.username or url.password:
        raise Mistake(Phrase("a public address holds no user name or password"))
    return url


PublicUrl = Annotated[AnyHttpUrl, AfterValidator(_public)]


class ClubSettings(StrictModel):
    """`[club]`: who speaks."""

    name: str = Field(min_length=1, max_length=100, description="The club's name, shown on every channel")
    language: Literal["fr", "en"] = Field("fr", description="Language of what the program writes")
    timezone: Annotated[str, AfterValidator(_known_timezone)] = Field(
        "Europe/Paris", description="Where the club is, for the hours in announcements and quiet hours"
    )
    site_url: PublicUrl | None = Field(None, description="Address of the club's own page for announcements")
    public_url: PublicUrl | None = Field(
        None, description="Where `serve` is reached from outside: for the links in messages; https"
    )
    currency: str = Field(
        "EUR", pattern=r"^[A-Z]{3}$", description="Money of prices and caps, in three letters (ISO 4217)"
    )

    @field_validator("name")
    @classmethod
    def _one_line(cls, value: str) -> str:
        if not value.strip() or not value.isprintable():
            raise Mistake(Phrase("a name on one line is wanted"))
        return value.strip()


def _from_secret(value: Any, info: ValidationInfo) -> Any:
    """An address may be given as env:NAME and the like; one written out is no secret in itself."""
    resolve = (info.context or {}).get("secrets")
    if isinstance(value, str) and resolve and "://" not in value:
        value = resolve(value).reveal()
    return value


class LedgerSettings(StrictModel):
    """`[ledger]`: where the record of everything is kept."""

    url: Annotated[str, BeforeValidator(_from_secret)] = Field(
        "sqlite:///fallback-cast.db",
        repr=False,
        description="sqlite:///file, beside the settings; or postgresql://…, also as env:NAME",
    )

    @field_validator("url")
    @classmethod
    def _known_scheme(cls, url: str) -> str:
        if url.startswith("postgresql://") and urlsplit(url).path.strip("/"):
            return url
        if not url.startswith("sqlite:///") or not url.removeprefix("sqlite:///").strip("/"):
            raise Mistake(
                Phrase("this is no address of a ledger"),
                Phrase("write sqlite:///fallback-cast.db or postgresql://user@host/database"),
            )
        if "?" in url or "#" in url or ":memory:" in url:
            raise Mistake(Phrase("after sqlite:/// only the path of a file is wanted"))
        return url

    @property
    def file(self) -> str | None:
        """The path in a sqlite:/// address, as written: relative to the settings, or absolute."""
        return self.url.removeprefix("sqlite:///") if self.url.startswith("sqlite:///") else None


def holds_password(url: str) -> bool:
    """Whether a database's address has a password in it."""
    parts = urlsplit(url)
    return bool(parts.password or parse_qs(parts.query).get("password"))


def _off_or_duration(value: Any) -> Any:
    if value is None or value == OFF or isinstance(value, timedelta):
        return None if value == OFF else value
    if not isinstance(value, str):
        raise ValueError("a duration is a text such as 20s, 10m, 1h or 3d")
    return parse_duration(value)


OffOrDuration = Annotated[
    timedelta | None,
    BeforeValidator(_off_or_duration),
    WithJsonSchema({"type": "string", "pattern": r"^(\d+(\.\d+)?[smhd]|off)$"}, mode="validation"),
    PlainSerializer(lambda value: OFF if value is None else format_duration(value), return_type=str),
]


def _positive(value: timedelta | None) -> timedelta | None:
    if value is not None and value <= timedelta(0):
        raise Mistake(Phrase("more than 0 is wanted"))
    return value


Positive = AfterValidator(_positive)


class PolicyOverride(StrictModel):
    """`[policy.info]`, `[policy.normal]`, `[policy.urgent]`: what differs from the usual (see the docs)."""

    patience: Annotated[DurationField, Positive] | None = Field(
        None, description="How long one channel is tried before the next"
    )
    probe_budget: Annotated[DurationField, Positive] | None = Field(
        None, description="Channels that have not shown by then that they work are passed over for now"
    )
    grace: DurationField | None = Field(
        None, description="Wait after an unknown outcome before the next channel"
    )
    expires_after: Annotated[DurationField, Positive] | None = Field(
        None, description="Then an announcement is no longer sent"
    )
    site_first: DurationField | None = Field(
        None, description="How long the other channels wait for our own site"
    )
    confirm_within: Annotated[OffOrDuration, Positive] = Field(
        None, description='Wait so long for a receipt, then the next channel; or "off"'
    )
    acknowledge_within: Annotated[OffOrDuration, Positive] = Field(
        None, description='Wait so long for a person\'s acknowledgement, then the next channel; or "off"'
    )
    quiet_hours: bool | None = Field(None, description="Whether what rings waits for the morning")
    paid: Literal["last", "yes", "no"] | None = Field(
        None, description='Channels that cost money; "last": only if nothing else is left'
    )
    reach: Literal["first", "all"] | None = Field(
        None, description='"first": the first channel that works; "all": every channel'
    )
    order: tuple[str, ...] | None = Field(
        None, min_length=1, description="Names of channels, in another order than in this file"
    )

    def applied_to(self, policy: Policy) -> Policy:
        """The policy with what was written here; what was left out stays."""
        return replace(policy, **{key: getattr(self, key) for key in self.model_fields_set})


class PolicySettings(StrictModel):
    """`[policy]`: how each importance is dispatched."""

    info: PolicyOverride = Field(default_factory=lambda: PolicyOverride.model_validate({}))
    normal: PolicyOverride = Field(default_factory=lambda: PolicyOverride.model_validate({}))
    urgent: PolicyOverride = Field(default_factory=lambda: PolicyOverride.model_validate({}))


def _reference(value: str) -> str:
    """`tcp://host:port`, or a web address."""
    wrong = Mistake(
        Phrase("this is no reference"), Phrase("write tcp://9.9.9.9:53 or https://www.example.org/")
    )
    try:
        parts = urlsplit(value)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise wrong from None
    bare_tcp = parts.scheme == "tcp" and port and not (parts.path or parts.query or parts.fragment)
    if not host or not value.isascii() or " " in value or not (bare_tcp or parts.scheme in ("http", "https")):
        raise wrong
    if parts.username is not None or parts.password is not None:
        raise Mistake(Phrase("a public address holds no user name or password"))
    return value


def _ping(value: str) -> str:
    """A web address, whole: its path may be a secret."""
    if not is_web_address(value):
        raise Mistake(
            Phrase("this is no address on the web"),
            Phrase("write for example https://hc-ping.com/your-own-code"),
        )
    return value


def is_web_address(text: str) -> bool:
    """`https://host/…` or `http://host/…`, in ASCII, without a password."""
    try:
        parts = urlsplit(text)
        return (
            parts.scheme in ("http", "https")
            and bool(parts.hostname)
            and parts.port != 0
            and text.isascii()
            and text.isprintable()
            and " " not in text
            and "@" not in parts.netloc
        )
    except ValueError:
        return False


def _resolver(value: str) -> str:
    """The address of a name server, with its port if that is not 53."""
    try:
        parse_server(value)
    except ValueError:
        raise Mistake(
            Phrase("this is no address of a name server"), Phrase("write 9.9.9.9 or 192.0.2.1:5300")
        ) from None
    return value


class OrganiserSettings(StrictModel):
    """One `[[health.organisers]]`: who is told of outages, and gets `send --test`."""

    name: str = Field(min_length=1, max_length=100, description="Who it is")
    addresses: dict[str, str] = Field(
        min_length=1,
        repr=False,
        description="Where to reach them: channel and address, the first choice first",
    )


class HealthSettings(StrictModel):
    """`[health]`: how it is known whether a platform is down, or we are."""

    references: tuple[Annotated[str, AfterValidator(_reference)], ...] = Field(
        (), description="Addresses in other networks that tell whether our own line works"
    )
    resolvers: tuple[Annotated[str, AfterValidator(_resolver)], ...] = Field(
        (), description="Name servers of another operator, for when this machine's own fails"
    )
    organisers: tuple[OrganiserSettings, ...] = Field((), description="Who is told of outages")
    ping: Annotated[str, BeforeValidator(_from_secret), AfterValidator(_ping)] | None = Field(
        None,
        repr=False,
        description="A dead-man's switch: the address to call after each scheduled check, also as env:NAME",
    )


Age = Annotated[DurationField, Positive]


class PrivacySettings(StrictModel):
    """`[privacy]`: how long what has ended is kept. The scheduled check thins it."""

    replies: Age = Field(timedelta(days=30), description="What providers said of an attempt")
    evidence: Age = Field(timedelta(days=90), description="What probes and messages showed of platforms")
    recipients: Age = Field(timedelta(days=180), description="Who was told and how; the figures stay")
    announcements: Age = Field(timedelta(days=365), description="Announcements, after they expired")


def _guarding(value: Secret | None) -> Secret | None:
    # Standard Webhooks 1.0.0, "Signature scheme": 24 to 64 bytes; 16 characters are the least
    # that cannot be tried out over the network.
    if value is not None and len(value.reveal()) < 16:
        raise Mistake(Phrase("a secret of at least 16 characters is wanted"))
    return value


class WebhookSettings(StrictModel):
    """One `[[webhook]]`: another program that may announce, such as the club's WordPress."""

    name: str = Field(pattern=NAME, description="Last part of its address: /hooks/name")
    kind: Literal["standard", "wordpress", "github", "alertmanager", "cap"] = Field(
        description="standard: Standard Webhooks; wordpress, github, alertmanager, cap: these formats"
    )
    secret: SecretField | None = Field(None, description="Signs each message; whsec_… for kind standard")
    previous_secret: SecretField | None = Field(
        None, description="The secret before, which is still taken while you change it"
    )
    token: SecretField | None = Field(None, description="Bearer token, for kinds without a signature")
    max_importance: ImportanceWord = Field("normal", description="Higher is lowered to this")
    paid: bool = Field(False, description="Whether its announcements may cost money")
    max_per_day: int = Field(20, ge=1, le=10_000, description="More announcements in a day are refused")
    groups: tuple[str, ...] = Field((), description="Groups of members it may write to; empty: everybody")
    approval: bool = Field(False, description="Whether an organiser must say yes first")

    @model_validator(mode="after")
    def _is_guarded(self) -> Self:
        signed = self.kind in SIGNED_KINDS
        wanted, other = ("secret", "token") if signed else ("token", "secret")
        if getattr(self, wanted) is None:
            raise Mistake(
                Phrase("a webhook of kind {kind} needs a {key}", kind=self.kind, key=wanted),
                Phrase('write for example {key} = "env:WEBHOOK_SECRET"', key=wanted),
            )
        if getattr(self, other) is not None:
            raise Mistake(Phrase("a webhook of kind {kind} has no {key}", kind=self.kind, key=other))
        return self

    @field_validator("secret", "previous_secret", "token")
    @classmethod
    def _long_enough(cls, value: Secret | None) -> Secret | None:
        return _guarding(value)


class ServeSettings(StrictModel):
    """`[serve]`: where `fallback-cast serve` listens."""

    host: str = Field("127.0.0.1", description="Address to listen on; your web server stands before it")
    port: int = Field(8080, ge=0, le=65535, description="Port to listen on; 0: any free one")
    token: SecretField | None = Field(
        None, description="Bearer token of programs that use /v1/announcements; none: there is no such thing"
    )

    @field_validator("token")
    @classmethod
    def _long_enough(cls, value: Secret | None) -> Secret | None:
        return _guarding(value)


# Alertmanager and CAP senders sign nothing (facts: Alertmanager docs, "webhook_config", 2026-11).
SIGNED_KINDS = ("standard", "wordpress", "github")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """A whole settings file, read and checked. `channel` is in rank order."""

    path: Path
    base_dir: Path  # relative paths in the file start here
    club: ClubSettings
    ledger: LedgerSettings
    channel: tuple[ChannelSettings, ...]
    policy: PolicySettings
    health: HealthSettings
    webhook: tuple[WebhookSettings, ...]
    serve: ServeSettings
    privacy: PrivacySettings
    warnings: tuple[Problem, ...] = ()

    def policies(self) -> Mapping[Importance, Policy]:
        """The usual policies with what the file changes."""
        return {
            importance: getattr(self.policy, importance.value).applied_to(policy)
            for importance, policy in DEFAULT_POLICIES.items()
        }

    @property
    def ledger_path(self) -> Path | None:
        """The SQLite ledger's file, absolute; None for another database."""
        file = self.ledger.file
        return None if file is None else (self.base_dir / file).absolute()
