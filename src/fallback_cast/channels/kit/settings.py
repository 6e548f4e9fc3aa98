"""Base of every channel's settings, and what a channel is built with.

Secrets reach a model through the validation context: `context={"secrets": resolve}`, where `resolve`
turns `env:NAME`, `file:PATH`, `credential:NAME`, `keyring:NAME` or a plain value into a Secret.
Without a resolver a value is taken as a plain secret.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    AnyHttpUrl,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationInfo,
    model_validator,
)
from pydantic.json_schema import WithJsonSchema

from fallback_cast.model.announcement import Club
from fallback_cast.model.channel import Cap
from fallback_cast.model.duration import format_duration, parse_duration
from fallback_cast.model.receipt import Signer
from fallback_cast.model.secret import Secret
from fallback_cast.model.texts import Phrase


def _to_secret(value: Any, info: ValidationInfo) -> Any:
    if isinstance(value, Secret):
        return value
    if not isinstance(value, str) or not value:
        raise ValueError("a secret is a text such as env:NAME, file:PATH, credential:NAME or keyring:NAME")
    resolve = (info.context or {}).get("secrets")
    return resolve(value) if resolve else Secret(value)


def _to_duration(value: Any) -> Any:
    if isinstance(value, timedelta):
        return value
    if not isinstance(value, str):
        raise ValueError("a duration is a text such as 20s, 10m, 1h or 3d")
    return parse_duration(value)


SecretField = Annotated[
    Secret,
    BeforeValidator(_to_secret),
    WithJsonSchema(
        {"type": "string", "description": "env:NAME, file:PATH, credential:NAME or keyring:NAME"},
        mode="validation",
    ),
    PlainSerializer(str, return_type=str),
]
DurationField = Annotated[
    timedelta,
    BeforeValidator(_to_duration),
    WithJsonSchema({"type": "string", "pattern": r"^\d+(\.\d+)?[smhd]$"}, mode="validation"),
    PlainSerializer(format_duration, return_type=str),
]


class StrictModel(BaseModel):
    """Unknown keys are errors; values cannot change after reading."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, arbitrary_types_allowed=True, hide_input_in_errors=True
    )

    @model_validator(mode="before")
    @classmethod
    def _no_nul(cls, data: Any) -> Any:
        """TOML allows the character NUL in a text; no path, address or protocol does."""
        for key, value in data.items() if isinstance(data, dict) else ():
            if isinstance(value, str) and "\x00" in value:
                raise ValueError(Phrase("the text of {key} holds the character NUL", key=key))
        return data


def _bare_address(url: AnyHttpUrl) -> AnyHttpUrl:
    if url.username or url.password:
        raise ValueError(Phrase("a public address holds no user name or password"))
    return url


class StatusFeedSettings(StrictModel):
    """`status_feed` of a channel: its provider's own status page, read as a hint and no more."""

    kind: Literal["statuspage", "instatus", "betterstack", "slack", "google", "meta"] = Field(
        description="Who made the status page; slack, google, meta: these companies' own"
    )
    url: Annotated[AnyHttpUrl, AfterValidator(_bare_address)] = Field(
        description="Address of the status page, or of its feed"
    )
    components: tuple[str, ...] = Field(
        (), description="Only these parts of it count, as the page names them; empty: the whole page"
    )

    @model_validator(mode="after")
    def _has_parts(self) -> Self:
        if self.kind == "meta" and self.components:
            raise ValueError(Phrase("Meta has one feed for each product: its address says which"))
        return self


class ChannelSettings(StrictModel):
    """Keys that every `[[channel]]` has. Kinds add their own in a subclass with a literal `kind`."""

    name: str = Field(
        pattern=r"^[a-z0-9][a-z0-9_-]{0,31}$", description="Your word for this channel, used everywhere"
    )
    kind: str
    always: bool | None = Field(
        None, description="Gets every announcement for itself, first (the site: true)"
    )
    audience: Literal["everyone", "some"] = Field(
        "everyone", description='"some": not everybody reads this place, so the next channel is used too'
    )
    catch_up: Literal["post", "skip"] = Field(
        "post",
        description='After an outage, "post" what its place has missed, once, or "skip" it',
    )
    failure_domains: tuple[str, ...] | None = Field(
        None, description="What goes down together with this channel"
    )
    needs: Literal["internet", "local"] = Field(
        "internet", description='"local": works without our internet line'
    )
    status_feed: StatusFeedSettings | None = Field(
        None, description="Its provider's status page: raises suspicion, decides nothing"
    )


class CapSettings(StrictModel):
    """Keys of a channel that may cost money."""

    max_per_day: int | None = Field(
        None, ge=1, description="Messages in one day; beyond them the next channel is taken"
    )
    max_cost: Decimal | None = Field(
        None, ge=0, description="Money in one day; beyond it the next channel is taken"
    )

    @property
    def cap(self) -> Cap | None:
        if self.max_per_day is None and self.max_cost is None:
            return None
        return Cap(self.max_per_day, self.max_cost)


class ProviderSettings(StrictModel):
    """Keys of one relay or gateway inside a channel."""

    name: str | None = Field(None, pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")
    failure_domains: tuple[str, ...] | None = None


def _nobody_to_ask(_: str, __: str) -> bool:
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildContext:
    """What a channel is built with besides its settings."""

    club: Club
    signer: Signer | None = None  # makes and proves the tokens that name attempts
    base_dir: Path = field(default_factory=Path)  # relative paths in the settings start here
    ask_posted: Callable[[str, str], bool] = _nobody_to_ask  # (channel name, text to paste) → posted?

    @property
    def somebody_to_ask(self) -> bool:
        """Whether a person can be asked at all; who builds the context knows, by giving `ask_posted`."""
        return self.ask_posted is not _nobody_to_ask
