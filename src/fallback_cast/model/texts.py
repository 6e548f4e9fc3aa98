"""Texts for people: English is the key, French stands beside it.

A text without French falls back to English; a test checks that none is missing.
"""

from __future__ import annotations

from typing import Self

from fallback_cast.model.french import FRENCH

LANGUAGES = ("fr", "en")


def translate(language: str, text: str) -> str:
    """The text in this language (`fr` or `en`); unknown languages read English."""
    return FRENCH.get(text, text) if language == "fr" else text


class Phrase(str):
    """An English sentence that remembers its template: `say` puts it into another language.

    The template is a key of model/french.py; fields may be phrases themselves.
    """

    template: str
    fields: dict[str, object]

    def __new__(cls, template: str, /, **fields: object) -> Self:
        phrase = super().__new__(cls, template.format(**fields) if fields else template)
        phrase.template = template
        phrase.fields = fields
        return phrase


def say(language: str, text: str) -> str:
    """The text in this language (`fr` or `en`). A plain text is looked up as it stands."""
    if not isinstance(text, Phrase):
        return translate(language, text)
    template = translate(language, text.template)
    if not text.fields:
        return template
    spoken = {
        name: say(language, value) if isinstance(value, Phrase) else value
        for name, value in text.fields.items()
    }
    return template.format(**spoken)
