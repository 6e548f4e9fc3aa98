"""Texts for people: English is the key, French stands beside it. One function translates.

A text without French falls back to English; a test checks that none is missing.
"""

from __future__ import annotations

from fallback_cast.model.french import FRENCH

LANGUAGES = ("fr", "en")


def translate(language: str, text: str) -> str:
    """The text in this language (`fr` or `en`); unknown languages read English."""
    return FRENCH.get(text, text) if language == "fr" else text
