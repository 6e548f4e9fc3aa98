"""Keys of an Apprise channel; what its URL must not say is refused here, by name and without showing it."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Literal, Self

from pydantic import Field, field_validator, model_validator

from fallback_cast.channels.apprise.service import load_service
from fallback_cast.channels.kit.settings import CapSettings, ChannelSettings, DurationField, SecretField
from fallback_cast.model.secret import Secret


class Settings(CapSettings, ChannelSettings):
    """Keys of a `[[channel]]` with `kind = "apprise"`."""

    kind: Literal["apprise"]
    url: SecretField = Field(
        description="One Apprise URL that names one place (https://appriseit.com/services/)"
    )
    timeout: DurationField = Field(
        timedelta(seconds=20),
        description="Without an answer within this time the outcome is unknown",
    )
    probe: str | None = Field(
        None,
        pattern=r"^(tcp|tls)://[^/:@?#\s]+:\d{1,5}$",
        description='Where the service can be reached, if its URL does not say so: "tls://api.example.org:443"',
    )
    rings: bool = Field(True, description="Wakes people: quiet hours hold it")
    paid: bool = Field(False, description="Costs money for each message")
    cost: Decimal | None = Field(None, ge=0, description="Price of one message, for plans and caps")

    @model_validator(mode="after")
    def _priced(self) -> Self:
        if self.max_cost is not None and self.cost is None:
            raise ValueError("max_cost needs cost: what one message is paid")
        return self

    @field_validator("url")
    @classmethod
    def _loads(cls, url: Secret) -> Secret:
        load_service(url.reveal())
        return url

    @field_validator("timeout")
    @classmethod
    def _ends(cls, timeout: timedelta) -> timedelta:
        if timeout <= timedelta(0):
            raise ValueError("the time-out must be longer than nothing")
        return timeout
