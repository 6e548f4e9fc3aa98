"""What the columns of a file of members mean: by their titles, in French and English."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from fallback_cast.ledger.incoming import Columns
from fallback_cast.model.channel import Channel
from fallback_cast.model.texts import Phrase
from fallback_cast.settings.errors import Problem, near_word

# Titles are compared in small letters, without accents, with one blank for `_`, `-` and `.`.
TITLES = {
    "name": (
        "name", "full name", "member", "nom complet", "nom et prenom", "nom prenom",
        "prenom nom", "membre",
    ),
    "surname": ("nom", "surname", "last name", "family name", "nom de famille"),
    "forename": ("prenom", "forename", "first name", "given name"),
    "number": (
        "number", "id", "no", "n°", "numero", "member number", "licence", "license", "n° licence",
        "numero licence", "numero de licence", "n° adherent", "numero adherent", "numero d adherent",
    ),
    "language": ("language", "lang", "langue"),
    "groups": ("groups", "group", "groupes", "groupe"),
    "ranks": ("order", "rank", "ranks", "channels", "ordre", "rang", "canaux", "ordre des canaux"),
    "timezone": ("timezone", "time zone", "fuseau", "fuseau horaire"),
    "pause": ("pause", "paused", "paused until", "en pause", "pause jusqu au", "suspendu"),
}  # fmt: skip
KINDS = {
    "email": (
        "email", "e mail", "mail", "courriel", "adresse e mail", "adresse mail", "adresse email",
        "adresse courriel", "adresse electronique", "email address", "mel",
    ),
    "sms": (
        "sms", "mobile", "portable", "mobile phone", "mobile number", "cell", "cell phone",
        "telephone portable", "tel portable", "telephone mobile", "tel mobile", "numero de portable", "gsm",
    ),
    "telegram": ("telegram",),
    "matrix": ("matrix", "element"),
}  # fmt: skip
# Taken for text messages only where no column speaks of a mobile.
ANY_PHONE = ("phone", "telephone", "tel", "phone number", "numero de telephone")
CONSENT = re.compile(
    r"(?:consent|consentement|accord|opt ?in|autorisation)"
    r"(?: (?:for|to|pour|par|a l|au|aux))?(?: (?P<what>.+))?"
)

NEARLY = 0.79  # one slip in a word of five letters

_FIELDS = {title: name for name, titles in TITLES.items() for title in titles}
_KIND_OF = {title: kind for kind, titles in KINDS.items() for title in titles}
_KIND_OF |= dict.fromkeys(ANY_PHONE, "sms")


@dataclass(frozen=True, slots=True)
class Column:
    """What one column means: a `field`, a channel's addresses, or the consent to channels."""

    title: str
    field: str = ""
    channel: Channel | None = None
    consent: tuple[str, ...] = ()

    @property
    def aside(self) -> bool:
        """It means nothing to us."""
        return not (self.field or self.channel or self.consent)

    @property
    def meaning(self) -> object:
        return self.field, self.channel and self.channel.name, self.consent


@dataclass(slots=True)
class Sheet:
    """One pass over a file, gathering mistakes."""

    path: Path
    channels: Sequence[str] = ()
    problems: list[Problem] = field(default_factory=list)

    def complain(self, line: int, column: str, what: str, hint: str = "") -> None:
        where = (
            Phrase("{file}, line {line}, column {column}", file=self.path.name, line=line, column=column)
            if column
            else Phrase("{file}, line {line}", file=self.path.name, line=line)
        )
        self.problems.append(Problem(what, where, hint, line))


def read_columns(
    sheet: Sheet, line: int, titles: Sequence[str], channels: Mapping[str, Channel]
) -> list[Column]:
    """A column for each title. What is wrong is noted in the sheet."""
    columns: list[Column] = []
    mobile = any(_KIND_OF.get(plain(t)) == "sms" and plain(t) not in ANY_PHONE for t in titles)
    for title in titles:
        word = plain(title)
        column = Column(title) if mobile and word in ANY_PHONE else _column(title, channels)
        if column.aside and word not in _KIND_OF:
            _refuse_misspelt(sheet, line, title, channels)
        if not column.aside and any(c.meaning == column.meaning for c in columns):
            sheet.complain(line, title, Phrase("two columns mean the same"))
        columns.append(column)
    fields = {column.field for column in columns}
    if not fields & {"name", "surname", "forename"} and not sheet.problems:
        sheet.complain(
            line,
            "",
            Phrase("there is no column name"),
            Phrase("the first line names the columns: name, language, groups, and channels"),
        )
    elif "name" in fields and "surname" in fields:
        sheet.complain(line, "", Phrase("two columns mean the same"), Phrase("keep one column for the name"))
    return columns


def _column(title: str, channels: Mapping[str, Channel]) -> Column:
    word = plain(title)
    channel = _channel(word, channels)
    if channel is not None:
        return Column(title, channel=channel)
    if word in _FIELDS:
        return Column(title, _FIELDS[word])
    consent = CONSENT.fullmatch(word)
    if consent is None:
        return Column(title)
    if consent["what"] is None:
        return Column(title, consent=tuple(channels))
    channel = _channel(consent["what"], channels)
    return Column(title, consent=(channel.name,)) if channel else Column(title)


def _channel(word: str, channels: Mapping[str, Channel]) -> Channel | None:
    """By its name, else the first one of the kind that the word speaks of."""
    for channel in channels.values():
        if plain(channel.name) == word:
            return channel
    kind = _KIND_OF.get(word, word)
    return next((channel for channel in channels.values() if channel.kind == kind), None)


def _refuse_misspelt(sheet: Sheet, line: int, title: str, channels: Mapping[str, Channel]) -> None:
    """A title that is nearly one of ours; any other column is somebody else's business."""
    known = [*_FIELDS, *_KIND_OF, *(plain(name) for name in channels)]
    word = plain(title)
    if len(word) > 3 and get_close_matches(word, known, n=1, cutoff=NEARLY):
        sheet.complain(line, title, Phrase("this column is unknown"), near_word(word, known))


def plain(title: str) -> str:
    """Small letters without accents, one blank between words."""
    letters = unicodedata.normalize("NFKD", title.strip().casefold())
    bare = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return " ".join(re.sub(r"[_\-.:'’/]", " ", bare).split())


def left_aside(columns: Sequence[Column]) -> Iterator[str]:
    return (column.title for column in columns if column.aside and column.title)


def spoken_of(columns: Sequence[Column]) -> Columns:
    """What the file says something about; the rest of a member stays as it is."""
    fields = {"name"}
    for column in columns:
        if column.field == "pause":
            fields |= {"paused", "paused_until"}
        elif column.field not in ("", "surname", "forename"):
            fields.add(column.field)
    return Columns(
        frozenset(fields),
        frozenset(column.channel.name for column in columns if column.channel),
        frozenset(name for column in columns for name in column.consent),
    )
