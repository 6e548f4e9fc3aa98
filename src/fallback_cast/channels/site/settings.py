"""What a club can set about its site, and what follows from it for every page."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from pydantic import AnyHttpUrl, Field, field_validator, model_validator

from fallback_cast.channels.kit.settings import BuildContext, ChannelSettings
from fallback_cast.channels.site.target import ServerSettings
from fallback_cast.model.announcement import Club
from fallback_cast.model.texts import Phrase

MIN_CONTRAST = 4.5  # level AA for text, https://www.w3.org/TR/WCAG21/#contrast-minimum


class Settings(ChannelSettings):
    """Keys of a `[[channel]]` with `kind = "site"`."""

    kind: Literal["site"]
    directory: Path | None = Field(
        None, description="The folder of this machine that your web server shows; it must exist"
    )
    server: tuple[ServerSettings, ...] = Field(
        (), description="Folders on servers that get the same pages: the site itself, or mirrors"
    )
    url: AnyHttpUrl | None = Field(
        None, description="Public address of that folder; without it, site_url of [club]"
    )
    keep: int = Field(50, ge=1, le=1000, description="How many announcements the index lists")
    colour: str = Field(
        "#1f5a4c", pattern=r"^#[0-9a-fA-F]{6}$", description="Colour of the head of each page, as #rrggbb"
    )
    ca_file: Path | None = Field(None, description="Certificate authority of a private web server")

    @field_validator("url")
    @classmethod
    def _folder_only(cls, url: AnyHttpUrl | None) -> AnyHttpUrl | None:
        if url and (url.query or url.fragment):
            raise ValueError("the address of a folder has neither ? nor #")
        return url

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if self.directory is None and not self.server:
            raise ValueError(Phrase("a site needs a directory, or a [[channel.server]] on a server"))
        names = [server.name or server.host for server in self.server]
        names += [self.name] if self.directory else []
        if len(set(names)) < len(names):
            raise ValueError(Phrase("two servers have the same name or host: give each a name of its own"))
        return self

    @field_validator("colour")
    @classmethod
    def _readable(cls, colour: str) -> str:
        if contrast_with_white(colour) < MIN_CONTRAST:
            raise ValueError("white text on this colour is hard to read: choose a darker one")
        return colour.lower()


@dataclass(frozen=True, slots=True)
class Site:
    """What every page knows of the site it stands on. `url` is public and ends with a slash."""

    club: Club
    url: str | None
    keep: int
    colour: str

    @classmethod
    def of(cls, settings: Settings, context: BuildContext) -> Site:
        url = str(settings.url) if settings.url else context.club.site_url
        return cls(context.club, url and url.rstrip("/") + "/", settings.keep, settings.colour)

    def address(self, name: str) -> str | None:
        """Where a file of the folder is seen by readers, if the public address is known."""
        return f"{self.url}{name}" if self.url else None


def contrast_with_white(colour: str) -> float:
    """Contrast of `#rrggbb` with white, 1 to 21 (https://www.w3.org/TR/WCAG21/#dfn-contrast-ratio)."""
    red, green, blue = (_linear(int(colour[at : at + 2], 16) / 255) for at in (1, 3, 5))
    return 1.05 / (0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05)


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else float(((part + 0.055) / 1.055) ** 2.4)
