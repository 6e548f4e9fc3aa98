"""Reads a CSV of members: every mistake is found, each with its line and column."""

from __future__ import annotations

import codecs
import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TextIO
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fallback_cast.cli.members_columns import Column, Sheet, plain, read_columns
from fallback_cast.ledger.members import Member
from fallback_cast.model.channel import Channel
from fallback_cast.model.errors import UserError
from fallback_cast.model.texts import LANGUAGES, Phrase
from fallback_cast.settings.errors import SettingsError, did_you_mean

MAX_NAME = 200
MAX_NUMBER = 50
PLACE = "place"  # as an address: the member reads the channel's place

YES = frozenset({"yes", "y", "oui", "o", "1", "x", "true", "vrai"})
NO = frozenset({"no", "n", "non", "0", "false", "faux"})
_GROUP = re.compile(r"[\w.-]{1,50}")
_DAY = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})|(\d{1,2})[/.](\d{1,2})[/.](\d{4})")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet may take for a formula
_BLOCK = 1 << 20


class MembersError(SettingsError):
    """Every mistake of a file of members, in its order."""


@dataclass(frozen=True, slots=True)
class MembersFile:
    """An open file of members whose first line is understood."""

    sheet: Sheet
    columns: Sequence[Column]
    rows: Iterator[tuple[int, list[str]]]

    def __iter__(self) -> Iterator[tuple[int, Member]]:
        """Members with their lines, addresses in each channel's own spelling; mistakes go to the sheet."""
        for line, cells in self.rows:
            member = _member(self.sheet, line, self.columns, cells)
            if member is not None:
                yield line, member


@contextmanager
def open_members(path: Path, channels: Mapping[str, Channel]) -> Iterator[MembersFile]:
    """Comma, semicolon or tab between the cells; UTF-8, with or without its mark, UTF-16 or Windows-1252.

    Raises MembersError for a first line that is not understood, UserError if the file cannot be read.
    """
    sheet = Sheet(path, tuple(channels))
    try:
        encoding = _encoding(path)
        with path.open(encoding=encoding, newline="") as file:
            rows = _rows(sheet, file)
            number, titles = next(rows, (1, []))
            columns = read_columns(sheet, number, titles, channels)
            if sheet.problems:
                raise MembersError(sheet.problems)
            yield MembersFile(sheet, columns, rows)
    except OSError as error:
        raise UserError(
            Phrase("the file cannot be read: {why}", why=Phrase(error.strerror or "")), where=str(path)
        ) from None


def _encoding(path: Path) -> str:
    """Excel in France writes Windows-1252; whatever is not UTF-8 is taken for that."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    with path.open("rb") as file:
        block = file.read(_BLOCK)
        if block.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        found = "utf-8-sig"
        while block:
            if b"\0" in block:
                raise UserError(
                    "this is no file of text: a spreadsheet must be saved as CSV",
                    where=str(path),
                    hint="save it as CSV, UTF-8",
                )
            if found == "utf-8-sig":
                try:
                    decoder.decode(block)
                except UnicodeDecodeError:
                    found = "cp1252"
            if found == "cp1252":
                _check_windows(block, path)
            block = file.read(_BLOCK)
    return found


def _check_windows(block: bytes, path: Path) -> None:
    """Five bytes mean nothing in Windows-1252."""
    try:
        block.decode("cp1252")
    except UnicodeDecodeError:
        raise UserError(
            "the text is neither UTF-8 nor Windows-1252", where=str(path), hint="save it as UTF-8"
        ) from None


def _rows(sheet: Sheet, file: TextIO) -> Iterator[tuple[int, list[str]]]:
    """Each row that is not blank, with the line it begins on."""
    head = file.readline()
    skipped = 0
    if head.lower().startswith("sep=") and len(head.strip()) == 5:  # Excel's own note for itself
        delimiter, skipped = head[4], 1
    else:
        delimiter = max(",;\t", key=head.count)
        file.seek(0)
    reader = csv.reader(file, delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1 + skipped
        try:
            cells = next(reader, None)
        except csv.Error:
            sheet.complain(line, "", Phrase("this row cannot be read: look at its quotation marks"))
            return
        if cells is None:
            return
        cells = [bare(cell) for cell in cells]
        if any(cells):
            yield line, cells


def bare(cell: str) -> str:
    """Without blanks, and without the mark that an export puts before what looks like a formula."""
    text = cell.strip()
    return text[1:] if text[:1] == "'" and text[1:2] in ("'", *_FORMULA) else text


def guarded(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula; `bare` undoes it."""
    return f"'{cell}" if cell.startswith(("'", *_FORMULA)) else cell


def _member(sheet: Sheet, line: int, columns: Sequence[Column], cells: Sequence[str]) -> Member | None:
    if len(cells) != len(columns):
        sheet.complain(
            line,
            "",
            Phrase(
                "this row has {count} cells, the first one has {wanted}",
                count=len(cells),
                wanted=len(columns),
            ),
        )
        return None
    before = len(sheet.problems)
    facts = {c.field: (c.title, cell) for c, cell in zip(columns, cells, strict=True) if c.field}
    member = _Row(sheet, line, facts).member()
    addresses: dict[str, str] = {}
    consents: dict[str, bool] = {}
    for column, cell in zip(columns, cells, strict=True):
        if not cell:
            continue
        if column.channel is not None:
            addresses[column.channel.name] = _address(sheet, line, column.title, column.channel, cell)
        elif column.consent:
            consents |= dict.fromkeys(column.consent, _yes(sheet, line, column.title, cell))
    if len(sheet.problems) > before:
        return None
    name, rest = member
    return Member(name, addresses, consents=consents, **rest)  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class _Row:
    """The cells of one row that are no addresses, as `{field: (title, cell)}`."""

    sheet: Sheet
    line: int
    facts: Mapping[str, tuple[str, str]]

    def member(self) -> tuple[str, dict[str, object]]:
        paused, until = self._pause()
        rest: dict[str, object] = {
            "number": self._number(),
            "language": self._language(),
            "groups": self._groups(),
            "ranks": self._ranks(),
            "timezone": self._timezone(),
            "paused": paused,
            "paused_until": until,
        }
        return self._name(), rest

    def _cell(self, field: str) -> str:
        return self.facts.get(field, ("", ""))[1]

    def _complain(self, field: str, what: str, hint: str = "") -> None:
        self.sheet.complain(self.line, self.facts[field][0], what, hint)

    def _name(self) -> str:
        fields = [name for name in ("forename", "surname", "name") if name in self.facts]
        cell = " ".join(filter(None, map(self._cell, fields)))
        if not cell:
            self._complain(fields[-1], Phrase("the name is missing"))
        elif not cell.isprintable() or len(cell) > MAX_NAME:
            self._complain(fields[-1], Phrase("a name on one line is wanted"))
        return cell

    def _number(self) -> str | None:
        cell = self._cell("number")
        if not cell.isprintable() or len(cell) > MAX_NUMBER:
            self._complain("number", Phrase("this is no number of a member"))
        return cell or None

    def _language(self) -> str | None:
        word = _LANGUAGE_WORDS.get(plain(self._cell("language")), self._cell("language").lower())
        if word and word not in LANGUAGES:
            self._complain("language", Phrase("this language is unknown"), Phrase("fr or en"))
        return word or None

    def _groups(self) -> tuple[str, ...]:
        words = _list(self._cell("groups"))
        if not all(_GROUP.fullmatch(word) for word in words):
            self._complain(
                "groups",
                Phrase("a group's name has letters, digits, - and _"),
                Phrase("put a space or | between groups"),
            )
        return words

    def _ranks(self) -> tuple[str, ...]:
        words = _list(self._cell("ranks").replace(">", " "))
        known = self.sheet.channels
        for word in words:
            if word not in known:
                what = Phrase("there is no channel {name!r}", name=word)
                self._complain("ranks", what, did_you_mean(word, known))
        return words

    def _timezone(self) -> str | None:
        cell = self._cell("timezone")
        try:
            return ZoneInfo(cell).key if cell else None
        except (ZoneInfoNotFoundError, ValueError, OSError):
            hint = Phrase("for example {example}", example="Europe/Paris")
            self._complain("timezone", Phrase("this is no time zone"), hint)
            return None

    def _pause(self) -> tuple[bool, str | None]:
        cell = self._cell("pause")
        word = plain(cell)
        if not word or word in NO:
            return False, None
        if word in YES:
            return True, None
        day = day_of(cell)
        if day is None:
            self._complain(
                "pause", Phrase("this is neither yes, no nor a day"), Phrase("write for example 2026-12-31")
            )
        return True, day


_LANGUAGE_WORDS = {"francais": "fr", "french": "fr", "anglais": "en", "english": "en"}


def _list(cell: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(re.split(r"[\s|,;/]+", cell.strip(" |,;/")))) if cell else ()


def day_of(text: str) -> str | None:
    """2026-12-31 or 31/12/2026, as 2026-12-31; None if it is no day."""
    found = _DAY.fullmatch(text.strip())
    if found is None:
        return None
    year, month, day = found.group(1, 2, 3) if found[1] else found.group(6, 5, 4)
    try:
        return date(int(year), int(month), int(day)).isoformat()
    except ValueError:
        return None


def _yes(sheet: Sheet, line: int, title: str, cell: str) -> bool:
    word = plain(cell)
    if word not in YES | NO:
        sheet.complain(line, title, Phrase("yes or no is wanted"))
    return word in YES


def _address(sheet: Sheet, line: int, title: str, channel: Channel, cell: str) -> str:
    if cell.lower() == PLACE:
        if channel.place() is None:
            what = Phrase("the channel {name} has no place", name=channel.name)
            sheet.complain(line, title, what, Phrase("write the member's own address"))
        return PLACE
    try:
        return channel.normalise(cell)
    except ValueError as error:
        sheet.complain(line, title, str(error))
        return ""
