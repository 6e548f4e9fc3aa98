"""What a club sets about its WordPress site."""

from __future__ import annotations

from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Literal

from pydantic import AnyHttpUrl, Field, field_validator

from fallback_cast.channels.kit.settings import ChannelSettings, DurationField, SecretField
from fallback_cast.model.secret import Secret


class Settings(ChannelSettings):
    """Keys of a `[[channel]]` with `kind = "wordpress"`."""

    kind: Literal["wordpress"]
    url: AnyHttpUrl = Field(description="The address of the WordPress site, as its General settings show it")
    username: str = Field(
        repr=False, min_length=1, description="A WordPress account with the role Author or Editor"
    )
    password: SecretField = Field(
        description="An application password of that account, made on its profile page"
    )
    categories: tuple[int, ...] = Field((), description="Numbers of the categories that the posts go into")
    ca_file: Path | None = Field(None, description="Certificate authority of a private web server")
    timeout: DurationField = Field(timedelta(seconds=15), description="How long to wait for the answer")

    @field_validator("url")
    @classmethod
    def _is_a_site(cls, url: AnyHttpUrl) -> AnyHttpUrl:
        if url.query or url.fragment or url.username or url.password:
            raise ValueError("the address of a WordPress site has no ?, no # and no user name")
        if url.scheme != "https" and not _on_this_machine(url.host or ""):
            raise ValueError("an application password goes over https only")
        return url

    @field_validator("username")
    @classmethod
    def _is_a_name(cls, value: str) -> str:
        if ":" in value or not value.isprintable():
            raise ValueError("the name of an account has no colon and no line break")
        return value

    @field_validator("password")
    @classmethod
    def _is_a_password(cls, value: Secret) -> Secret:
        if not value.reveal().isprintable():
            raise ValueError("an application password has no line breaks")
        return value


def _on_this_machine(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
