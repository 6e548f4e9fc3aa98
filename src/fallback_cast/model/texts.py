"""Texts for people: English is the key, French stands beside it.

A text without French falls back to English; a test checks that none is missing.
"""

from __future__ import annotations

import re
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


_PARTS = re.compile(r"(?P<head>[^(]*?): (?P<rest>.+)|(?P<word>[^(]+) \((?P<inner>.+)\)", re.DOTALL)


def say_reason(language: str, reason: str) -> str:
    """Stored evidence in this language: the words are known, what a provider said stays as it is.

    Known are whole reasons, and the parts of `email: address refused (550 …: no such mailbox)`.
    """
    if isinstance(reason, Phrase):
        return say(language, reason)
    known = translate(language, reason)
    parts = _PARTS.fullmatch(reason)
    if known != reason or parts is None:
        return known
    if parts["head"] is not None:
        template = translate(language, "{head}: {rest}")
        return template.format(
            head=say_reason(language, parts["head"]), rest=say_reason(language, parts["rest"])
        )
    return f"{say_reason(language, parts['word'])} ({say_reason(language, parts['inner'])})"
