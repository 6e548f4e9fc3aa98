"""A value that never shows itself: settings' tokens and passwords."""

from __future__ import annotations


class Secret:
    """Holds a secret; `repr`, `str` and formatting show only where it came from.

    Call `reveal()` at the one place where the value goes on the wire.
    """

    __slots__ = ("_value", "source")

    def __init__(self, value: str, source: str = "plain") -> None:
        self._value = value
        self.source = source

    def reveal(self) -> str:
        return self._value

    def __repr__(self) -> str:
        return f"Secret({self.source})"

    __str__ = __repr__

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)
