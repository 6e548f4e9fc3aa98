"""Texts for people: English is the key, French stands beside it.

A text without French falls back to English; a test checks that none is missing.
"""

from __future__ import annotations

import re
import string
from functools import cache
from typing import Self

from fallback_cast.model.french import FRENCH
from fallback_cast.model.french.evidence import EVIDENCE

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

    Known are whole reasons, those with values in them (french/evidence.py), and the parts of
    `email: address refused (550 …: no such mailbox); sms: down`.
    """
    if isinstance(reason, Phrase):
        return say(language, reason)
    if language != "fr":
        return reason
    if reason in FRENCH:
        return FRENCH[reason]
    return _by_template(reason) or _in_parts(reason)


def _by_template(reason: str) -> str | None:
    """`HTTP 502: temporary trouble` by the entry `HTTP {status}: {reason}`."""
    for template, pattern in _templates():
        found = pattern.fullmatch(reason)
        if found:
            said = {name: say_reason("fr", value) for name, value in found.groupdict().items()}
            return FRENCH[template].format(**said)
    return None


@cache
def _templates() -> list[tuple[str, re.Pattern[str]]]:
    """The longest first: they say most."""
    found = []
    for template in EVIDENCE:
        if "{" in template:
            pieces = [
                re.escape(words) + (f"(?P<{name}>.+?)" if name else "")
                for words, name, _, _ in string.Formatter().parse(template)
            ]
            found.append((template, re.compile("".join(pieces), re.DOTALL)))
    return sorted(found, key=lambda entry: -len(entry[0]))


def _in_parts(reason: str) -> str:
    first, _, others = reason.partition("; ")
    if others and first.count("(") == first.count(")"):
        said = say_reason("fr", first), say_reason("fr", others)
        if said != (first, others):
            return FRENCH["{first}; {second}"].format(first=said[0], second=said[1])
    parts = _PARTS.fullmatch(reason)
    if parts is None:
        return reason
    if parts["head"] is not None:
        head, rest = say_reason("fr", parts["head"]), say_reason("fr", parts["rest"])
        return FRENCH["{head}: {rest}"].format(head=head, rest=rest)
    return f"{say_reason('fr', parts['word'])} ({say_reason('fr', parts['inner'])})"
