"""The settings file as it stands on disk: its text, its values, and where each of them stands."""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fallback_cast.model.texts import Phrase
from fallback_cast.settings.errors import Problem, SettingsError
from fallback_cast.settings.locate import KeyPath, line_of, locate

_PLACE = re.compile(r" \(at (?:line (?P<line>\d+), column (?P<column>\d+)|end of document)\)$")
_TYPOGRAPHIC = re.compile("[“”„«»‘’]")


@dataclass(frozen=True, slots=True)
class Source:
    """A settings file that is valid TOML."""

    path: Path
    data: Mapping[str, Any]
    lines: Mapping[KeyPath, int]
    mode: int  # permission bits

    @property
    def name(self) -> str:
        return self.path.name

    def at(self, path: KeyPath) -> Any:
        """The value at a path that is in the file."""
        value: Any = self.data
        for part in path:
            value = value[part]
        return value

    def problem(self, path: KeyPath, what: str, hint: str = "") -> Problem:
        """A mistake at a key (whether it is there or missing)."""
        return Problem(what, self.where(path), hint, line_of(self.lines, path) or 0)

    def where(self, path: KeyPath) -> Phrase:
        """`channels.toml, line 12, channel telegram: key token`, as much of it as there is."""
        line = line_of(self.lines, path)
        file: str = self.name
        if line:
            file = Phrase("{file}, line {line}", file=file, line=line)
        section, key = self._section(path)
        if section and key:
            return Phrase("{file}, {section}: key {key}", file=file, section=section, key=key)
        if section:
            return Phrase("{file}, {section}", file=file, section=section)
        return Phrase("{file}: key {key}", file=file, key=key) if key else Phrase("{file}", file=file)

    def _section(self, path: KeyPath) -> tuple[str, str]:
        """The table and the key of a path, as people call them."""
        match path:
            case (("channel" | "webhook") as table, int(index), *rest):
                entry = self.data[table][index]
                name = entry.get("name") if isinstance(entry, dict) else None
                shown = name if isinstance(name, str) and name else f"#{index + 1}"
                template = "channel {name}" if table == "channel" else "webhook {name}"
                inner, key = self._inside(path, rest)
                section: str = Phrase(template, name=shown)
                if inner:
                    section = Phrase("{section}, {inner}", section=section, inner=inner)
                return section, key
            case (str(table), *rest) if isinstance(self.data.get(table), dict):
                inner, key = self._inside(path, rest)
                return f"[{table}.{inner}]" if inner else f"[{table}]", key
        return "", str(path[0]) if path else ""

    def _inside(self, path: KeyPath, parts: list[str | int]) -> tuple[str, str]:
        """`relay`, 0, `port` → `relay #1` and `port`; one of a list of values belongs to its key."""
        words: list[str] = []
        for part in parts:
            if isinstance(part, int) and words:
                words[-1] += f" #{part + 1}"
            else:
                words.append(str(part))
        if not words or (isinstance(parts[-1], int) and isinstance(self.at(path), dict)):
            return ".".join(words), ""
        return ".".join(words[:-1]), words[-1]


def read_source(path: Path) -> Source:
    """Read and parse a settings file. Raises SettingsError: missing, unreadable, no UTF-8, no TOML."""
    try:
        with path.open("rb") as file:
            mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
            content = file.read()
    except FileNotFoundError:
        raise SettingsError([_missing(path)]) from None
    except OSError as error:
        reason = Phrase(error.strerror or type(error).__name__)
        raise SettingsError(
            [Problem(Phrase("the file cannot be read ({reason})", reason=reason), str(path))]
        ) from None
    text = _decode(path, content)
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError([_syntax(path.name, text, str(error))]) from None
    return Source(path, data, locate(text), mode)


def _missing(path: Path) -> Problem:
    return Problem(
        Phrase("the file does not exist"), str(path), Phrase("`fallback-cast init` writes one with you")
    )


def _decode(path: Path, content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")  # editors on Windows put a mark in front
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise SettingsError(
            [
                Problem(
                    Phrase("the file is not UTF-8 text"),
                    Phrase("{file}, line {line}", file=path.name, line=line),
                    Phrase("save it as UTF-8 in your editor"),
                )
            ]
        ) from None


def _syntax(name: str, text: str, message: str) -> Problem:
    """tomllib names line and column at the end of its message; its words hold no values."""
    place = _PLACE.search(message)
    told = message[: place.start()] if place else message
    lines = text.splitlines() or [""]
    number = int(place["line"]) if place and place["line"] else len(lines)
    column = int(place["column"]) if place and place["column"] else len(lines[-1]) + 1
    where = Phrase("{file}, line {line}, column {column}", file=name, line=number, column=column)
    line = lines[number - 1] if number <= len(lines) else ""
    return Problem(Phrase("this is not TOML: {message}", message=told), where, _syntax_hint(line), number)


def _syntax_hint(line: str) -> str:
    if _TYPOGRAPHIC.search(line):
        return Phrase('use straight quotation marks: "…"')
    if "\\" in line:
        return Phrase("write / instead of \\ in paths, or use single quotation marks: '…'")
    if "=" in line:
        return Phrase('texts stand in quotation marks: name = "value"')
    return Phrase('each line is a key and its value, such as name = "value", or a [section]')
