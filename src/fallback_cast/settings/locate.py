"""On which line of a TOML file a key stands: tomllib does not tell.

The text must already have been read by tomllib; only its shape is followed here. Values inside an
array or an inline table have the line of the key that holds them. TOML 1.0.0, https://toml.io/en/v1.0.0
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping

KeyPath = tuple[str | int, ...]  # such as ("channel", 1, "relay", 0, "port")

_QUOTED = r'"(?:[^"\\\n]|\\.)*"' + r"|'[^'\n]*'"
# A multi-line string may end with one or two quotation marks of its own before the closing three.
_STRING = r'"""(?:[^\\]|\\.)*?"{3,5}' + r"|'''.*?'{3,5}|" + _QUOTED
_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_HEADER = re.compile(rf"(\[\[?)((?:{_QUOTED}|[^\"'\]])+)\]\]?", re.DOTALL)
_KEY = re.compile(rf"((?:{_QUOTED}|[^\"'=])+)=", re.DOTALL)
_TOKEN = re.compile(rf"{_STRING}|#[^\n]*|[\[\]{{}}\n]|[^\[\]{{}}\n\"'#]+", re.DOTALL)


def locate(text: str) -> dict[KeyPath, int]:
    """The line, from 1, of every table and key of a valid TOML text."""
    lines: dict[KeyPath, int] = {}
    latest: dict[KeyPath, int] = {}  # of each [[array]]: the index of its latest table
    table: KeyPath = ()
    position = _after(_BLANK, text, 0)
    while position < len(text):
        line = text.count("\n", 0, position) + 1
        if header := _HEADER.match(text, position):
            path = table = _open(_parts(header[2]), latest, another=header[1] == "[[")
            position = header.end()
        else:
            key = _KEY.match(text, position)
            assert key, "tomllib has read this text"
            path = table + _parts(key[1])
            position = _after_value(text, key.end())
        lines[path] = line
        for length in range(1, len(path)):
            lines.setdefault(path[:length], line)
        position = _after(_BLANK, text, position)
    return lines


def line_of(lines: Mapping[KeyPath, int], path: KeyPath) -> int | None:
    """The line of a key, else of the nearest table or key that holds it."""
    return next((lines[path[:end]] for end in range(len(path), 0, -1) if path[:end] in lines), None)


def _after(pattern: re.Pattern[str], text: str, position: int) -> int:
    match = pattern.match(text, position)
    return match.end() if match else position


def _after_value(text: str, position: int) -> int:
    """A value ends with its line, unless a bracket or a multi-line string is still open."""
    depth = 0
    while position < len(text):
        piece = text[position : _after(_TOKEN, text, position)]
        if piece == "\n" and depth == 0:
            break
        depth += (piece in ("[", "{")) - (piece in ("]", "}"))
        position += len(piece) or 1
    return position


def _parts(key: str) -> KeyPath:
    """The parts of a dotted key; tomllib undoes quotation marks and escapes."""
    table, parts = tomllib.loads(f"{key.strip()} = 0"), []
    while isinstance(table, dict):
        name, table = next(iter(table.items()))
        parts.append(name)
    return tuple(parts)


def _open(parts: KeyPath, latest: dict[KeyPath, int], *, another: bool) -> KeyPath:
    """The path of a header, with the index of the latest table in each array on the way."""
    path: KeyPath = ()
    for part in parts[:-1]:
        path += (part,)
        if path in latest:
            path += (latest[path],)
    path += (parts[-1],)
    if another:
        latest[path] = latest.get(path, -1) + 1
        path += (latest[path],)
    return path
