"""Reads a CSV of members: every mistake is found, each with its line and column."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fallback_cast.ledger.members import Member
from fallback_cast.model.channel import Channel
from fallback_cast.model.errors import UserError
from fallback_cast.model.texts import LANGUAGES, Phrase
from fallback_cast.settings.errors import Problem, SettingsError, did_you_mean

MAX_BYTES = 20_000_000
MAX_NAME = 200
PLACE = "place"  # as an address: the member reads the channel's place

_NAMES = {"name": "name", "nom": "name", "language": "language", "langue": "language"}
_NAMES |= dict.fromkeys(("groups", "group", "groupes", "groupe"), "groups")
_KINDS = dict.fromkeys(("email", "e-mail", "mail", "courriel", "adresse e-mail"), "email")
_KINDS |= dict.fromkeys(("phone", "telephone", "mobile", "portable", "tel", "sms"), "sms")
_GROUP = re.compile(r"[\w.-]{1,50}")


class MembersError(SettingsError):
    """Every mistake of a file of members, in its order."""


@dataclass(frozen=True, slots=True)
class _Column:
    """What a column means: `name`, `language`, `groups`, or a channel's addresses."""

    title: str
    field: str = ""
    channel: Channel | None = None


@dataclass(slots=True)
class _Sheet:
    """One pass over a file, gathering mistakes."""

    path: Path
    problems: list[Problem] = field(default_factory=list)

    def complain(self, line: int, column: str, what: str, hint: str = "") -> None:
        where = (
            Phrase("{file}, line {line}, column {column}", file=self.path.name, line=line, column=column)
            if column
            else Phrase("{file}, line {line}", file=self.path.name, line=line)
        )
        self.problems.append(Problem(what, where, hint, line))


def read_members(path: Path, channels: Mapping[str, Channel]) -> list[Member]:
    """The members of a file, their addresses in each channel's own spelling.

    Comma, semicolon or tab between the cells; UTF-8, with or without its mark. Raises MembersError with
    all mistakes, or UserError if the file cannot be read at all.
    """
    sheet = _Sheet(path)
    rows = _rows(sheet, _text(path))
    number, titles = next(rows, (1, []))
    columns = _columns(sheet, number, titles, channels)
    if sheet.problems:
        raise MembersError(sheet.problems)
    members: dict[int, Member] = {}
    for line, cells in rows:
        member = _member(sheet, line, columns, cells)
        if member is not None:
            members[line] = member
    _refuse_repeated(sheet, members)
    if not members and not sheet.problems:
        sheet.complain(number, "", Phrase("the file holds no members"), Phrase("nothing was changed"))
    if sheet.problems:
        raise MembersError(sheet.problems)
    return list(members.values())


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise UserError(
            Phrase("the file cannot be read: {why}", why=Phrase(error.strerror or "")), where=str(path)
        ) from None
    if len(raw) > MAX_BYTES:
        raise UserError("the file is too long for a list of members", where=str(path))
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise UserError(
            Phrase("the text is not UTF-8 (line {line})", line=line),
            where=str(path),
            hint="save it as UTF-8",
        ) from None


def _rows(sheet: _Sheet, text: str) -> Iterator[tuple[int, list[str]]]:
    """Each row that is not blank, with the line it begins on."""
    head = text.partition("\n")[0]
    delimiter = max(",;\t", key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader, None)
        except csv.Error:
            sheet.complain(line, "", Phrase("this row cannot be read: look at its quotation marks"))
            return
        if cells is None:
            return
        cells = [_bare(cell) for cell in cells]
        if any(cells):
            yield line, cells


def _bare(cell: str) -> str:
    """Without blanks, and without the mark that an export puts before what looks like a formula."""
    text = cell.strip()
    return text[1:] if text[:1] == "'" and text[1:2] in ("=", "+", "-", "@") else text


def _columns(
    sheet: _Sheet, line: int, titles: Sequence[str], channels: Mapping[str, Channel]
) -> list[_Column]:
    columns: list[_Column] = []
    for title in titles:
        column = _column(sheet, line, title, channels)
        if column is None:
            continue
        if any((c.field, c.channel) == (column.field, column.channel) for c in columns):
            sheet.complain(line, title, Phrase("two columns mean the same"))
        columns.append(column)
    if not any(column.field == "name" for column in columns) and not sheet.problems:
        sheet.complain(
            line,
            "",
            Phrase("there is no column name"),
            Phrase("the first line names the columns: name, language, groups, and channels"),
        )
    return columns


def _column(sheet: _Sheet, line: int, title: str, channels: Mapping[str, Channel]) -> _Column | None:
    word = _plain(title)
    if word in channels:
        return _Column(title, channel=channels[word])
    if word in _NAMES:
        return _Column(title, _NAMES[word])
    if word in _KINDS:
        channel = next((c for c in channels.values() if c.kind == _KINDS[word]), None)
        if channel is not None:
            return _Column(title, channel=channel)
        sheet.complain(line, title, Phrase("the settings have no channel of kind {kind}", kind=_KINDS[word]))
        return None
    known = ("name", "language", "groups", *channels)
    sheet.complain(line, title or "?", Phrase("this column is unknown"), did_you_mean(word or "?", known))
    return None


def _plain(title: str) -> str:
    """Small letters without accents."""
    letters = unicodedata.normalize("NFKD", title.strip().casefold())
    return "".join(letter for letter in letters if not unicodedata.combining(letter))


def _member(sheet: _Sheet, line: int, columns: Sequence[_Column], cells: Sequence[str]) -> Member | None:
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
    facts = {c.field: (c.title, cell) for c, cell in zip(columns, cells, strict=True) if c.field}
    before = len(sheet.problems)
    name = _name(sheet, line, *facts["name"])
    language = _language(sheet, line, *facts.get("language", ("", "")))
    groups = _groups(sheet, line, *facts.get("groups", ("", "")))
    addresses = {}
    for column, cell in zip(columns, cells, strict=True):
        if column.channel is not None and cell:
            addresses[column.channel.name] = _address(sheet, line, column.title, column.channel, cell)
    return Member(name, addresses, None, language, groups) if len(sheet.problems) == before else None


def _name(sheet: _Sheet, line: int, title: str, cell: str) -> str:
    if not cell:
        sheet.complain(line, title, Phrase("the name is missing"))
    elif not cell.isprintable() or len(cell) > MAX_NAME:
        sheet.complain(line, title, Phrase("a name on one line is wanted"))
    return cell


def _language(sheet: _Sheet, line: int, title: str, cell: str) -> str | None:
    word = cell.lower()
    if word and word not in LANGUAGES:
        sheet.complain(line, title, Phrase("this language is unknown"), Phrase("fr or en"))
    return word or None


def _groups(sheet: _Sheet, line: int, title: str, cell: str) -> tuple[str, ...]:
    words = tuple(dict.fromkeys(cell.replace("|", " ").split()))
    if not all(_GROUP.fullmatch(word) for word in words):
        sheet.complain(
            line,
            title,
            Phrase("a group's name has letters, digits, - and _"),
            Phrase("put a space or | between groups"),
        )
    return words


def _address(sheet: _Sheet, line: int, title: str, channel: Channel, cell: str) -> str:
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


def _refuse_repeated(sheet: _Sheet, members: Mapping[int, Member]) -> None:
    """Two people may have one name, but not also the same addresses and groups."""
    seen: dict[str, int] = {}
    for line, member in members.items():
        first = seen.setdefault(repr(member), line)
        if first != line:
            sheet.complain(line, "", Phrase("this row is the same as line {line}", line=first))
