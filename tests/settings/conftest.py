"""A settings file in a folder of its own, written with few words."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

import pytest

from fallback_cast.settings import Settings, SettingsError, load_settings

WHSEC = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # the specification's example
BASE = '[club]\nname = "Pétanque club"\n'
SITE = '[[channel]]\nname = "site"\nkind = "site"\ndirectory = "public"\n'


class Desk:
    """Writes, loads, and shows what is wrong."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "channels.toml"
        self.folder = folder
        self.environment: dict[str, str] = {"HOOK": WHSEC}

    def write(self, text: str, mode: int = 0o600) -> Path:
        self.path.write_text(dedent(text), encoding="utf-8")
        self.path.chmod(mode)
        return self.path

    def load(self, text: str, environment: Mapping[str, str] | None = None, mode: int = 0o600) -> Settings:
        self.write(text, mode)
        return load_settings(self.path, self.environment if environment is None else environment)

    def error(
        self, text: str, environment: Mapping[str, str] | None = None, mode: int = 0o600
    ) -> SettingsError:
        with pytest.raises(SettingsError) as caught:
            self.load(text, environment, mode)
        return caught.value

    def complaints(self, text: str, **options: object) -> list[str]:
        return str(self.error(text, **options)).splitlines()  # type: ignore[arg-type]


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)
