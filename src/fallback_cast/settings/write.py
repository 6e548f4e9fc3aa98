"""Writes the first channels.toml from a few answers, with comments, for `init`."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fallback_cast.model.errors import UserError
from fallback_cast.model.texts import Phrase, say
from fallback_cast.settings.answers import Answers, EmailAnswers, SmsAnswers

Value = str | int | bool | tuple[str, ...] | Mapping[str, str] | None  # None: the key is left out


@dataclass(frozen=True, slots=True)
class _Table:
    """One section: its comment, its header, its keys."""

    header: str
    values: Mapping[str, Value]
    comment: str = ""

    def text(self, language: str) -> str:
        lines = [f"# {say(language, self.comment)}"] if self.comment else []
        lines.append(self.header)
        lines += [f"{key} = {toml_value(value)}" for key, value in self.values.items() if value is not None]
        return "\n".join(lines) + "\n"


def render_settings(answers: Answers) -> str:
    """The text of channels.toml. It loads to the same answers."""
    head = Phrase("How {name} reaches its members. `fallback-cast check` tests it.", name="fallback-cast")
    tables = [_club(answers), _ledger(), *_channels(answers), _health(answers), *_organisers(answers)]
    texts = [table.text(answers.language) for table in tables]
    return "\n".join([f"# {say(answers.language, head)}\n", *texts])


def write_settings(path: Path, answers: Answers) -> None:
    """Create channels.toml, readable by its owner alone. Raises UserError if it exists already."""
    _create(path, render_settings(answers))


def write_secret(settings: Path, name: str, value: str) -> str:
    """Keep a secret in `secrets/NAME` beside the settings, and return its reference.

    Readable by its owner alone. Raises UserError if there is one of that name already.
    """
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", name):
        raise ValueError("the name of a secret's file has small letters, digits, - and _")
    folder = settings.parent / "secrets"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise _not_written(folder, error) from None
    _create(folder / name, value + "\n")
    return f"file:secrets/{name}"


def toml_value(value: str | int | bool | Sequence[str] | Mapping[str, str]) -> str:
    """A value as TOML 1.0.0 writes it: https://toml.io/en/v1.0.0#string"""
    if isinstance(value, bool | int):
        return json.dumps(value)
    if isinstance(value, str):
        # A JSON string is a TOML basic string, but for one character that only TOML escapes.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, Mapping):  # its keys are names of channels: bare keys
        return "{ " + ", ".join(f"{key} = {toml_value(text)}" for key, text in value.items()) + " }"
    return "[" + ", ".join(map(toml_value, value)) + "]"


def _club(answers: Answers) -> _Table:
    values = {
        "name": answers.club_name,
        "language": answers.language,
        "timezone": answers.timezone,
        "site_url": answers.site_url,
    }
    return _Table("[club]", values)


def _ledger() -> _Table:
    comment = Phrase("The record of everything sent, beside this file.")
    return _Table("[ledger]", {"url": "sqlite:///fallback-cast.db"}, comment)


def _channels(answers: Answers) -> Iterator[_Table]:
    if answers.site:
        yield _channel(
            "site",
            "site",
            Phrase("The club's own pages come first: they are read when all else is down."),
            {"directory": answers.site.directory},
        )
    if answers.telegram:
        telegram = answers.telegram
        yield _channel(
            "telegram",
            "telegram",
            Phrase("A Telegram channel or group; the bot must be an administrator there."),
            {"token": telegram.token, "chat": telegram.chat, **_audience(telegram.everybody_reads)},
        )
    if answers.matrix:
        matrix = answers.matrix
        yield _channel(
            "matrix",
            "matrix",
            Phrase("A Matrix room; the account must have joined it."),
            {
                "homeserver": matrix.homeserver,
                "access_token": matrix.access_token,
                "room": matrix.room,
                **_audience(matrix.everybody_reads),
            },
        )
    if answers.email:
        yield from _email(answers.email)
    if answers.sms:
        yield from _sms(answers.sms)
    for apprise in answers.apprise:
        values: dict[str, Value] = {"url": apprise.url, **_audience(apprise.everybody_reads)}
        yield _channel(apprise.name, "apprise", Phrase("One of the services that Apprise knows."), values)
    for manual in answers.manual:
        values = {"instructions": manual.instructions, **_audience(manual.everybody_reads)}
        yield _channel(manual.name, "manual", Phrase("Somebody posts this by hand."), values)


def _channel(name: str, kind: str, comment: str, values: Mapping[str, Value]) -> _Table:
    return _Table("[[channel]]", {"name": name, "kind": kind, **values}, comment)


def _audience(everybody_reads: bool) -> dict[str, Value]:
    return {} if everybody_reads else {"audience": "some"}


def _email(email: EmailAnswers) -> Iterator[_Table]:
    values: dict[str, Value] = {
        "sender": email.sender,
        "to": email.to or None,
        **_audience(email.everybody_reads),
    }
    yield _channel("email", "email", Phrase("Email; add more [[channel.relay]] as reserves."), values)
    for relay in email.relays:
        yield _Table(
            "[[channel.relay]]",
            {
                "host": relay.host,
                "port": relay.port,
                "security": relay.security,
                "username": relay.username,
                "password": relay.password,
                "max_per_day": relay.max_per_day,
                "ca_file": relay.ca_file,
            },
        )


def _sms(sms: SmsAnswers) -> Iterator[_Table]:
    yield _channel(
        "sms", "sms", Phrase("SMS cost money: their price is shown before sending."), {"sender": sms.sender}
    )
    gateway: dict[str, Value] = {
        "kind": sms.gateway,
        "url": sms.url,
        "username": sms.username,
        "password": sms.password,
        "needs": "local" if sms.local else None,
    }
    yield _Table("[[channel.gateway]]", gateway)


def _health(answers: Answers) -> _Table:
    comment = Phrase("Addresses in other networks: if none of them answers, it is our own line.")
    return _Table("[health]", {"references": answers.references}, comment)


def _organisers(answers: Answers) -> Iterator[_Table]:
    if answers.organiser and answers.email:
        comment = Phrase("Who gets rehearsals (send --test), and is told of outages.")
        name = say(answers.language, Phrase("Secretary"))
        values: dict[str, Value] = {"name": name, "addresses": {"email": answers.organiser}}
        yield _Table("[[health.organisers]]", values, comment)


def channel_names(answers: Answers) -> list[str]:
    """The channels in the order in which they are written, which is their rank."""
    tables = (table for table in _channels(answers) if table.header == "[[channel]]")
    return [str(table.values["name"]) for table in tables]


def _create(path: Path, text: str) -> None:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise UserError(
            Phrase("the file exists already and was left as it is"),
            where=str(path),
            hint=Phrase("rename it first, or change it in an editor"),
        ) from None
    except OSError as error:
        raise _not_written(path, error) from None
    try:
        with open(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:  # a full disk: half a file would hide that there is none
        path.unlink(missing_ok=True)
        raise _not_written(path, error) from None


def _not_written(path: Path, error: OSError) -> UserError:
    reason = Phrase(error.strerror or type(error).__name__)
    return UserError(Phrase("the file cannot be written ({reason})", reason=reason), where=str(path))
