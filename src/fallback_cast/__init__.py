"""fallback-cast: one announcement over ranked channels, with automatic fallback."""

__version__ = "0.1.0"
