"""The file that Gammu SMSD sends: one section for each part, already cut, text as hex of UTF-16.

Format: gammu-smsbackup(5); what `gammu-smsd-inject` 1.42 writes was compared (2026-11). Two lines of its
are left out. `MessageReference`: where it stands, the daemon writes each part's reference into the file as
it goes, and repeats the first part each time; restarted in the middle it would send that several times.
`DateTime`: of no use for a message to be sent.
"""

from __future__ import annotations

import zlib

from fallback_cast.channels.sms.gsm import Encoding, encode

_CODING = {Encoding.GSM7: "Default_No_Compression", Encoding.UCS2: "Unicode_No_Compression"}
_HEX_LINE = 200  # gammu reads Text00, Text01 … of 50 characters each


def write_backup(text: str, number: str, key: str) -> str:
    """The file's content. Parts of one message share a reference, taken from its key."""
    encoded = encode(text)
    reference = zlib.crc32(key.encode()) & 0xFF
    total = len(encoded.parts)
    return "\n".join(
        _section(
            position,
            part,
            number,
            _CODING[encoded.encoding],
            # TS 23.040 §9.2.3.24.1: concatenation with an 8-bit reference.
            f"050003{reference:02X}{total:02X}{position + 1:02X}" if total > 1 else None,
        )
        for position, part in enumerate(encoded.parts)
    )


def _section(position: int, part: str, number: str, coding: str, header: str | None) -> str:
    hexed = _hex(part)
    lines = [
        f"[SMSBackup{position:03}]",
        "PDU = Submit",
        "State = UnSent",
        f'Number = "{number}"',
        f"NumberUnicode = {_hex(number)}",
        *([f"UDH = {header}"] if header else []),
        *(
            f"Text{line:02} = {hexed[start : start + _HEX_LINE]}"
            for line, start in enumerate(range(0, len(hexed), _HEX_LINE))
        ),
        f"Coding = {coding}",
        f"Length = {len(hexed) // 4}",
        "Class = -1",
        "Folder = 1",
    ]
    return "\n".join(lines) + "\n"


def _hex(text: str) -> str:
    return text.encode("utf-16-be").hex().upper()
