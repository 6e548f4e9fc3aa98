"""French of mistakes in the settings."""

SETTINGS: dict[str, str] = {}
