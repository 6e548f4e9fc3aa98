"""What a text costs as SMS: the GSM alphabet, its parts, and a spelling that needs fewer of them.

Alphabet and escape table: 3GPP TS 23.038 §6.2.1; lengths of parts: 3GPP TS 23.040 §9.2.3.24.1
(concatenation with an 8-bit reference takes 6 bytes of the 140 in each part).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

GSM7_SINGLE, GSM7_PART = 160, 153
UCS2_SINGLE, UCS2_PART = 70, 67

Transliterate = Literal["never", "auto", "always"]

# Position 27, the escape to the second table, is left out: it is no character of a text.
_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = frozenset("\f^{}\\[~]|€")

# Small ç is not in the alphabet although capital Ç is; à é è ù are, and stay as they are.
_PLAIN_SPELLING = str.maketrans(
    {
        "â": "a",
        "ç": "c",
        "ê": "e",
        "ë": "e",
        "î": "i",
        "ï": "i",
        "ô": "o",
        "û": "u",
        "ÿ": "y",
        "œ": "oe",
        "Œ": "OE",
        "À": "A",
        "Â": "A",
        "È": "E",
        "Ê": "E",
        "Ë": "E",
        "Î": "I",
        "Ï": "I",
        "Ô": "O",
        "Ù": "U",
        "Û": "U",
        "Ÿ": "Y",
        "«": '"',
        "»": '"',
        "‘": "'",
        "’": "'",
        "“": '"',
        "”": '"',
        "–": "-",
        "—": "-",
        "…": "...",
        "°": "o",
        "·": ".",
        "`": "'",
        "\u00a0": " ",
        "\u202f": " ",
    }
)


class Encoding(StrEnum):
    GSM7 = "GSM-7"
    UCS2 = "UCS-2"


@dataclass(frozen=True, slots=True)
class Encoded:
    """A text as it will be sent: its alphabet and the parts that are paid for."""

    text: str
    encoding: Encoding
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Weight:
    """What plans say of a text: `parts` as it will be sent, `parts_as_written` without a plainer spelling."""

    encoding: Encoding
    parts: int
    parts_as_written: int

    @property
    def saved(self) -> int:
        """Parts that need not be paid for; below 0 where `always` costs one (… becomes three points)."""
        return self.parts_as_written - self.parts


def weigh(text: str, transliterate: Transliterate = "never") -> Weight:
    """Alphabet and parts of a text, and what the spelling saves."""
    sent = encode(text, transliterate)
    return Weight(sent.encoding, len(sent.parts), len(encode(text).parts))


def encode(text: str, transliterate: Transliterate = "never") -> Encoded:
    """The text, composed (NFC), in the alphabet it needs, cut into parts.

    `auto` spells it plainer only if all of it then is GSM-7 and that saves a part; `always` does so
    in any case. Characters outside the table stay, and the text then stays UCS-2.
    """
    composed = unicodedata.normalize("NFC", text)
    if transliterate == "always":
        return _encode(spell_plainly(composed))
    written = _encode(composed)
    if transliterate == "never" or written.encoding is Encoding.GSM7 or len(written.parts) < 2:
        return written
    plainer = _encode(spell_plainly(composed))
    saves = plainer.encoding is Encoding.GSM7 and len(plainer.parts) < len(written.parts)
    return plainer if saves else written


def spell_plainly(text: str) -> str:
    """French letters and punctuation that GSM-7 lacks, in letters that it has."""
    return text.translate(_PLAIN_SPELLING)


def is_gsm(text: str) -> bool:
    """Can all of it be written in the GSM alphabet and its extension?"""
    return all(char in _BASIC or char in _EXTENSION for char in text)


def septets(char: str) -> int:
    """Units of one GSM character: an escaped one takes two."""
    return 2 if char in _EXTENSION else 1


def utf16_units(char: str) -> int:
    """Units of one character in UCS-2 messages, which are UTF-16: beyond U+FFFF it is a pair."""
    return 2 if ord(char) > 0xFFFF else 1


def _encode(text: str) -> Encoded:
    if is_gsm(text):
        return Encoded(text, Encoding.GSM7, _split(text, septets, single=GSM7_SINGLE, part=GSM7_PART))
    return Encoded(text, Encoding.UCS2, _split(text, utf16_units, single=UCS2_SINGLE, part=UCS2_PART))


def _split(text: str, units: Callable[[str], int], *, single: int, part: int) -> tuple[str, ...]:
    """Fill each part in turn; an escape or surrogate pair that does not fit goes to the next whole."""
    if sum(map(units, text)) <= single:
        return (text,)
    parts: list[str] = []
    start = used = 0
    for position, char in enumerate(text):
        size = units(char)
        if used + size > part:
            parts.append(text[start:position])
            start, used = position, 0
        used += size
    return (*parts, text[start:])
