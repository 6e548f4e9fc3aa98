"""The GSM alphabet, parts and spelling: the known vectors, and smsutil as an independent judge."""

from __future__ import annotations

import unicodedata

import pytest
import smsutil
from hypothesis import given
from hypothesis import strategies as st

from fallback_cast.channels.sms.gsm import (
    Encoding,
    Transliterate,
    encode,
    is_gsm,
    septets,
    spell_plainly,
    utf16_units,
    weigh,
)

_ALPHABET = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà€[]{}\\^~|\f"
)
_gsm_texts = st.text(st.sampled_from(_ALPHABET), max_size=700)
# Where a part ends is where mistakes are made: a run up to just before a limit, then what takes two units.
_edges = st.builds(
    lambda filler, runs, tail: "".join(filler * length + edge for length, edge in runs) + tail,
    st.sampled_from("aéê"),
    st.lists(st.tuples(st.integers(60, 165), st.sampled_from(["€", "[]", "😀", "👩‍🚒", ""])), max_size=4),
    st.text(max_size=20),
)
# The escape itself is no character of a text: ours calls it UCS-2, smsutil a GSM character.
_any_texts = st.one_of(
    st.text(st.sampled_from("aéçœ€[😀–日"), max_size=300), st.text(max_size=400), _edges
).map(lambda text: unicodedata.normalize("NFC", text.replace("\x1b", "") or "a"))


@pytest.mark.parametrize(
    ("text", "encoding", "sizes"),
    [
        ("", Encoding.GSM7, [0]),
        ("a" * 160, Encoding.GSM7, [160]),
        ("a" * 161, Encoding.GSM7, [153, 8]),
        ("a" * 306, Encoding.GSM7, [153, 153]),
        ("a" * 307, Encoding.GSM7, [153, 153, 1]),
        ("€" * 80, Encoding.GSM7, [80]),
        ("€" * 81, Encoding.GSM7, [76, 5]),
        ("é" * 160, Encoding.GSM7, [160]),
        ("ê" * 70, Encoding.UCS2, [70]),
        ("ê" * 71, Encoding.UCS2, [67, 4]),
        ("ê" * 134, Encoding.UCS2, [67, 67]),
        ("ê" * 135, Encoding.UCS2, [67, 67, 1]),
        ("😀" * 35, Encoding.UCS2, [35]),
        ("😀" * 36, Encoding.UCS2, [33, 3]),
        ("😀" * 67, Encoding.UCS2, [33, 33, 1]),
    ],
)
def test_known_lengths(text: str, encoding: Encoding, sizes: list[int]) -> None:
    encoded = encode(text)
    assert encoded.encoding is encoding
    assert [len(part) for part in encoded.parts] == sizes


@pytest.mark.parametrize("char", "àéèùÉÇäöüæñìò€\"'\n\r\f")
def test_in_the_alphabet(char: str) -> None:
    assert is_gsm(char)


@pytest.mark.parametrize("char", "âçêëîïôœûÿÀÂÈÊËÎÏÔŒÙÛŸ«»‘’“”–—…°·`\t\u00a0\u202f\x1b")
def test_not_in_the_alphabet(char: str) -> None:
    assert not is_gsm(char)


def test_alphabet_has_127_characters_and_ten_escaped_ones() -> None:
    known = [chr(code) for code in range(0x10000) if is_gsm(chr(code))]
    assert len(known) == 127 + 10
    assert sum(septets(char) == 2 for char in known) == 10
    judged = [
        chr(code)
        for code in range(0x10000)
        if not 0xD800 <= code < 0xE000 and smsutil.is_valid_gsm(chr(code))
    ]
    assert known == [char for char in judged if char != "\x1b"]


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("âçêëîïôûÿ œ Œ", "aceeiiouy oe OE"),
        ("ÀÂÈÊËÎÏÔÙÛŸ", "AAEEEIIOUUY"),
        ("«\u00a0l’été\u202f» ‘a’ “b” c–d—e… n° f·g `h`", "\" l'été \" 'a' \"b\" c-d-e... no f.g 'h'"),
        ("é è à ù É Ç", "é è à ù É Ç"),
        ("日 😀", "日 😀"),
    ],
)
def test_plain_spelling(written: str, plain: str) -> None:
    assert spell_plainly(written) == plain


class TestTransliterate:
    long = "Reçu à l’entraînement. " * 5  # 115 characters: two parts as UCS-2, one as GSM-7

    def test_auto_spells_plainly_where_it_saves_a_part(self) -> None:
        encoded = encode(self.long, "auto")
        assert (encoded.encoding, len(encoded.parts)) == (Encoding.GSM7, 1)
        assert encoded.text.startswith("Recu à l'entrainement.")

    def test_auto_keeps_the_spelling_where_it_saves_nothing(self) -> None:
        assert encode("Reçu", "auto").text == "Reçu"

    def test_auto_keeps_everything_if_the_text_cannot_become_gsm(self) -> None:
        assert encode(self.long + "😀", "auto").text == self.long + "😀"

    def test_never(self) -> None:
        assert encode(self.long, "never").encoding is Encoding.UCS2

    def test_always(self) -> None:
        assert encode("Reçu", "always").text == "Recu"
        assert encode("Reçu 😀", "always").text == "Recu 😀"

    def test_composes_first(self) -> None:
        assert encode("annule\u0301").encoding is Encoding.GSM7


@pytest.mark.parametrize(
    ("text", "mode", "encoding", "parts", "as_written"),
    [
        ("é" * 160, "auto", Encoding.GSM7, 1, 1),
        ("ê" * 70, "auto", Encoding.UCS2, 1, 1),
        ("ê" * 71, "auto", Encoding.GSM7, 1, 2),
        ("ê" * 71, "never", Encoding.UCS2, 2, 2),
        ("ê" * 400, "auto", Encoding.GSM7, 3, 6),
        ("ê" * 70 + "😀", "auto", Encoding.UCS2, 2, 2),
        ("…" * 70, "always", Encoding.GSM7, 2, 1),
    ],
)
def test_weight(text: str, mode: Transliterate, encoding: Encoding, parts: int, as_written: int) -> None:
    weight = weigh(text, mode)
    assert (weight.encoding, weight.parts, weight.parts_as_written) == (encoding, parts, as_written)
    assert weight.saved == as_written - parts


@given(_gsm_texts)
def test_gsm_parts_agree_with_smsutil(text: str) -> None:
    encoded = encode(text)
    judged = smsutil.split(text)
    assert encoded.encoding is Encoding.GSM7
    assert list(encoded.parts) == [part.content for part in judged.parts]


@given(_any_texts)
def test_parts_agree_with_smsutil(text: str) -> None:
    """NFC is part of encode, so only composed texts can be compared letter by letter."""
    encoded = encode(text)
    judged = smsutil.split(text)
    assert list(encoded.parts) == [part.content for part in judged.parts]
    assert (encoded.encoding is Encoding.GSM7) is smsutil.is_valid_gsm(text)


@given(_any_texts)
def test_a_plainer_text_is_sent_only_if_it_saves(text: str) -> None:
    """`auto` against smsutil's count of both spellings."""
    plain = spell_plainly(text)
    saves = (
        not smsutil.is_valid_gsm(text)
        and smsutil.is_valid_gsm(plain)
        and len(smsutil.split(plain).parts) < len(smsutil.split(text).parts)
    )
    assert encode(text, "auto").text == (plain if saves else text)
    assert encode(text, "always").text == plain
    assert encode(text, "never").text == text


@given(_any_texts)
def test_units_agree_with_smsutil(text: str) -> None:
    size = septets if is_gsm(text) else utf16_units
    assert sum(map(size, text)) == len(smsutil.encode(text)) // (1 if is_gsm(text) else 2)


@given(st.text(max_size=500), st.sampled_from(["never", "auto", "always"]))
def test_parts_are_the_text_and_never_too_long(text: str, mode: str) -> None:
    encoded = encode(text, mode)  # type: ignore[arg-type]
    assert "".join(encoded.parts) == encoded.text
    gsm = encoded.encoding is Encoding.GSM7
    size, single, part = (septets, 160, 153) if gsm else (utf16_units, 70, 67)
    limit = single if len(encoded.parts) == 1 else part
    assert all(sum(map(size, piece)) <= limit for piece in encoded.parts)


@given(st.text(max_size=500))
def test_plain_spelling_never_costs_more(text: str) -> None:
    assert len(encode(text, "auto").parts) <= len(encode(text).parts)
