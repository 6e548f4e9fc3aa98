"""Where a copy of the site stands on a server, as the settings name it."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Self, cast
from urllib.parse import SplitResult, unquote, urlsplit

from pydantic import AnyHttpUrl, Field, field_validator, model_validator

from fallback_cast.channels.kit.settings import ProviderSettings, SecretField
from fallback_cast.model.secret import Secret
from fallback_cast.model.texts import Phrase

Scheme = Literal["sftp", "ftps", "davs"]
PORTS: dict[str, int] = {"sftp": 22, "ftps": 21, "davs": 443}


@dataclass(frozen=True, slots=True)
class Target:
    """A folder on a server and what its login takes; files are resolved already."""

    scheme: Scheme
    host: str
    port: int
    folder: str  # without a slash at its end; without one at its head it is where the login starts
    username: str
    password: str | None = field(default=None, repr=False)
    private_key: Path | None = None
    passphrase: str | None = field(default=None, repr=False)
    host_key: str | None = None
    known_hosts: Path | None = None
    ca_file: Path | None = None

    @property
    def key(self) -> str:
        return f"{self.scheme}://{self.username}@{self.host}:{self.port}/{self.folder}"

    def path(self, name: str) -> str:
        return f"{self.folder.rstrip('/')}/{name}"


class ServerSettings(ProviderSettings):
    """One `[[channel.server]]`: a folder on a server that gets the same pages. The order is the rank."""

    target: str = Field(
        description="sftp://user@host/folder, ftps://… or davs://…; /~/folder begins where the login starts"
    )
    password: SecretField | None = Field(None, description="Password of that user")
    private_key: Path | None = Field(None, description="SFTP: file of the private key, instead of a password")
    passphrase: SecretField | None = Field(None, description="SFTP: what opens the private key")
    host_key: str | None = Field(
        None,
        pattern=r"^SHA256:[A-Za-z0-9+/]{43}=?$",
        description="SFTP: fingerprint of the server's key, as ssh-keygen -l shows it",
    )
    known_hosts: Path | None = Field(None, description="SFTP: file of known servers, instead of host_key")
    ca_file: Path | None = Field(None, description="FTPS, WebDAV: certificate authority of a private server")
    url: AnyHttpUrl | None = Field(None, description="Public address of that folder, to see that it answers")

    @field_validator("target")
    @classmethod
    def _a_folder(cls, value: str) -> str:
        parts = _split(value)
        if parts is None or parts.scheme not in PORTS or not parts.hostname:
            raise ValueError(
                Phrase("a target looks like sftp://user@host/folder; ftps:// and davs:// are the other two")
            )
        if parts.password is not None:
            raise ValueError(Phrase('the password stands in password = "env:NAME", not in the target'))
        if not parts.username:
            raise ValueError(Phrase("the target names the user: sftp://user@host/folder"))
        if parts.query or parts.fragment or not _plain(unquote(parts.path)):
            raise ValueError(Phrase("the folder of a target is a plain path without .., ? or #"))
        return value

    @field_validator("url")
    @classmethod
    def _folder_only(cls, url: AnyHttpUrl | None) -> AnyHttpUrl | None:
        if url and (url.query or url.fragment):
            raise ValueError("the address of a folder has neither ? nor #")
        return url

    @model_validator(mode="after")
    def _login(self) -> Self:
        scheme = urlsplit(self.target).scheme
        if scheme == "sftp":
            if (self.host_key is None) == (self.known_hosts is None):
                raise ValueError(Phrase("SFTP needs host_key or known_hosts: one of them"))
            if (self.password is None) == (self.private_key is None):
                raise ValueError(Phrase("SFTP needs password or private_key: one of them"))
            return self
        if self.private_key or self.passphrase or self.host_key or self.known_hosts:
            raise ValueError(Phrase("private_key, passphrase, host_key, known_hosts are for SFTP alone"))
        if self.password is None:
            raise ValueError(Phrase("this target needs a password"))
        return self

    @property
    def host(self) -> str:
        return urlsplit(self.target).hostname or ""

    def resolved(self, base_dir: Path) -> Target:
        """The target with its secrets revealed and its files found."""
        parts = urlsplit(self.target)
        folder = unquote(parts.path).rstrip("/")
        if parts.scheme != "davs" and (not parts.path or folder == "/~" or folder.startswith("/~/")):
            folder = folder[3:] or "."  # from where the login starts
        return Target(
            cast(Scheme, parts.scheme),
            parts.hostname or "",
            parts.port or PORTS[parts.scheme],
            folder or "/",
            unquote(parts.username or ""),
            _open(self.password),
            self.private_key and base_dir / self.private_key,
            _open(self.passphrase),
            self.host_key,
            self.known_hosts and base_dir / self.known_hosts,
            self.ca_file and base_dir / self.ca_file,
        )


def _open(secret: Secret | None) -> str | None:
    return secret.reveal() if secret else None


def _split(value: str) -> SplitResult | None:
    try:
        parts = urlsplit(value)
        _ = parts.port  # only now is it read
    except ValueError:
        return None
    return parts


def _plain(path: str) -> bool:
    """Neither climbs nor holds control characters, which would be commands to an FTP server."""
    return ".." not in path.split("/") and not re.search(r"[\x00-\x1f\x7f]", path)
