"""Sentences that stay translatable after they have been put together."""

from __future__ import annotations

from typing import Self

from fallback_cast.model.texts import translate


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
