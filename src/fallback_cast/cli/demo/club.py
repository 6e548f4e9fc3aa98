"""The demo's club: real settings in a real file, forty invented members, and what it has to say."""

from __future__ import annotations

import os
import secrets
import string
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from fallback_cast.cli.demo.servers import HOST, Guests
from fallback_cast.cli.demo.text_messages import SENDSMS_PATH, USERNAME
from fallback_cast.dispatch.accept import Draft
from fallback_cast.ledger.members import Member
from fallback_cast.model.announcement import Importance
from fallback_cast.model.channel import Channel
from fallback_cast.model.texts import Phrase, say

MEMBERS = 40
DIES_AFTER = 12
BLOCKED = frozenset({5})  # has blocked the club's bot
COUPLE = (31, 32)  # share a mailbox
WRONG_MAILBOX = frozenset({38, 39})
TIMEZONE = "Europe/Paris"

_BODY = (
    "The Saturday contest **does not take place**: the ground is under water.\n\n"
    "Entries stay valid for the next date. Please tell those who come without a telephone."
)

# Swedish numbers kept free for films and books, which are well-formed mobile numbers everywhere:
# https://pts.se/internet-och-telefoni/telefoni/telefonnummer/telefonnummer-for-anvandning-i-bocker-och-filmer/
_FILM_NUMBERS = 46701740605


@dataclass(frozen=True, slots=True)
class Passwords:
    """Made anew for each demo; they go into files of their own."""

    token: str
    sms: str


def new_passwords() -> Passwords:
    letters = string.ascii_letters + string.digits
    token = "".join(secrets.choice(letters) for _ in range(35))
    return Passwords(f"100000001:{token}", secrets.token_urlsafe(12))


def write_settings(folder: Path, passwords: Passwords, ports: Mapping[str, int], language: str) -> Path:
    """Write channels.toml and the secrets beside it, readable by their owner only; returns its path."""
    safe = folder / "secrets"
    safe.mkdir(mode=0o700)
    _write(safe / "telegram-token", passwords.token + "\n")
    _write(safe / "sms-password", passwords.sms + "\n")
    path = folder / "channels.toml"
    _write(path, _settings(ports, language))
    return path


def _write(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def _settings(ports: Mapping[str, int], language: str) -> str:
    club = say(language, Phrase("Sainte-Anne petanque club"))
    return f"""\
[club]
name = "{club}"
language = "{language}"
timezone = "{TIMEZONE}"
site_url = "http://{HOST}:{ports["site"]}/"

[[channel]]
name = "site"
kind = "site"
directory = "public"
failure_domains = ["our-own-server"]

[[channel]]
name = "telegram"
kind = "telegram"
token = "file:secrets/telegram-token"
base_url = "http://{HOST}:{ports["telegram"]}"
failure_domains = ["telegram"]

[[channel]]
name = "email"
kind = "email"
sender = "{club} <club@example.org>"
failure_domains = ["mail-provider"]
[[channel.relay]]
host = "{HOST}"
port = {ports["email"]}
security = "none"
rate = 20

[[channel]]
name = "sms"
kind = "sms"
failure_domains = ["mobile-operator"]
[[channel.gateway]]
kind = "kannel"
url = "http://{HOST}:{ports["sms"]}{SENDSMS_PATH}"
username = "{USERNAME}"
password = "file:secrets/sms-password"
sender = "Petanque"
"""


def addresses(number: int) -> dict[str, str]:
    """Where member `number` (1 to 40) is, by channel, as a secretary would have typed it."""
    found = {}
    if number <= 30:
        found["telegram"] = str(chat_of(number))
    if number <= 20 or 25 <= number <= 30:
        found["email"] = f"membre{number:02}@example.org"
    if number in COUPLE:
        found["email"] = f"famille{COUPLE[0]}@example.org"
    if 33 <= number <= 35:
        found["email"] = f"membre{number:02}@example.org"
    if number in WRONG_MAILBOX:
        found["email"] = f"membr{number:02}@example.org"
    if number in (*range(21, 31), 36, 37, 38):
        found["sms"] = f"+{_FILM_NUMBERS + number}"
    return found


def chat_of(number: int) -> int:
    return 500_000_000 + number


def members(channels: Mapping[str, Channel], language: str) -> Iterator[Member]:
    """All forty, their addresses in each channel's own spelling."""
    for number in range(1, MEMBERS + 1):
        yield Member(
            name=say(language, Phrase("Member {number}", number=f"{number:02}")),
            addresses={name: channels[name].normalise(at) for name, at in addresses(number).items()},
        )


def guests(passwords: Passwords) -> Guests:
    """What the servers must know of the club."""
    mailboxes = {
        found["email"]
        for number in range(1, MEMBERS + 1)
        if "email" in (found := addresses(number)) and number not in WRONG_MAILBOX
    }
    return Guests(
        token=passwords.token,
        chats=frozenset(chat_of(number) for number in range(1, 31)),
        blocked=frozenset(map(chat_of, BLOCKED)),
        dies_after=DIES_AFTER,
        mailboxes=mailboxes,
        sms_password=passwords.sms,
    )


def draft(language: str, now: datetime) -> Draft:
    """The announcement: urgent, because the contest is tomorrow."""
    tomorrow = now.astimezone(ZoneInfo(TIMEZONE)) + timedelta(days=1)
    return Draft(
        title=say(language, Phrase("Contest cancelled: the ground is flooded")),
        body=say(language, Phrase(_BODY)),
        importance=Importance.URGENT,
        language=language,
        event_at=tomorrow.replace(hour=10, minute=0, second=0, microsecond=0).astimezone(UTC),
        place=say(language, Phrase("Sainte-Anne boulodrome")),
    )
