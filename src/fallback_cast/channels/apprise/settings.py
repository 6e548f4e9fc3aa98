"""Keys of an Apprise channel; what its URL must not say is refused here, by name and without showing it."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from pydantic import Field, field_validator

from fallback_cast.channels.apprise.service import load_service
from fallback_cast.channels.kit.settings import ChannelSettings, DurationField, SecretField
from fallback_cast.model.secret import Secret


class Settings(ChannelSettings):
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
