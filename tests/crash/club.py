"""A club with real settings and real receivers, whose `fallback-cast` is made to be killed."""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from sqlalchemy import text

from fallback_cast.dispatch.report import report
from fallback_cast.ledger.members import Member, replace_members
from fallback_cast.ledger.open import open_ledger
from fallback_cast.ledger.view import recent_headers
from tests.channels.telegram_emulator import TOKEN, Chat, Telegram
from tests.cli.test_demo import run
from tests.counterparts import http_faults as http
from tests.counterparts.smtp_sink import SmtpSink, smtp_sink

MAIN = (sys.executable, "-c", "from fallback_cast.cli.app import main; main()")
SEND = ("send", "-t", "Contest cancelled", "-b", "The pitch is **flooded**.", "-i", "urgent")
FIRST_CHAT = 1000

_TELEGRAM = """
[[channel]]
name = "telegram"
kind = "telegram"
token = "file:token"
base_url = "{telegram}"
"""
_EMAIL = """
[[channel]]
name = "email"
kind = "email"
sender = "club@example.org"
[[channel.relay]]
host = "127.0.0.1"
port = {smtp}
security = "none"
rate = 1000
max_connections = 8
"""
_BLOCKS = {"telegram": _TELEGRAM, "email": _EMAIL}


@dataclass
class Club:
    """Members 0, 1, 2 …: each has a chat and a mailbox that carry the number."""

    folder: Path
    members: int
    telegram: Telegram
    sink: SmtpSink
    telegram_url: str

    @property
    def ledger(self) -> Path:
        return self.folder / "fallback-cast.db"

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return run(*arguments, cwd=self.folder)

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        """A command of its own process, its talk in the file `talk`."""
        with self._talk() as talk:
            return subprocess.Popen(
                [*MAIN, *arguments],
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=talk,
            )

    @contextmanager
    def _talk(self) -> Iterator[IO[bytes]]:
        with (self.folder / "talk").open("ab") as talk:
            yield talk

    @property
    def talk(self) -> str:
        return (self.folder / "talk").read_text()

    def arrived(self) -> int:
        return len(self.telegram.sent) + self.sink.count()

    def told(self) -> Counter[int]:
        """How often each member was told, by whatever channel."""
        chats = [sent.chat - FIRST_CHAT for sent in self.telegram.sent]
        mails = [_mailbox(mail) for mail in self.sink.mails()]
        return Counter([*chats, *mails])

    def in_flight(self) -> set[int]:
        """Members to whom an attempt was begun that has no outcome."""
        ledger = open_ledger(self.ledger)
        with ledger.reading() as connection:
            rows = connection.execute(text("SELECT address FROM attempt WHERE outcome = 'begun'"))
            found = {_member(row.address) for row in rows}
        ledger.close()
        return found

    def status(self) -> dict[str, Any]:
        """What `status ID --json --recipients` would print."""
        ledger = open_ledger(self.ledger)
        [one] = recent_headers(ledger, 2)
        found = report(ledger, one.id, {}, {}, datetime.now(UTC), recipients=True)
        ledger.close()
        assert found is not None
        return found

    def settle_down(self, *ranks: str) -> None:
        """Settings with these channels, and the members in the ledger."""
        blocks = "".join(_BLOCKS[name] for name in ranks)
        head = '[club]\nname = "Club"\nlanguage = "en"\n[policy.urgent]\ngrace = "0.3s"\n'
        places = blocks.format(telegram=self.telegram_url, smtp=self.sink.port)
        (self.folder / "channels.toml").write_text(head + places)
        (self.folder / "token").write_text(TOKEN)
        (self.folder / "token").chmod(0o600)
        people = [
            Member(f"m{n}", {"telegram": str(FIRST_CHAT + n), "email": f"e{n}@example.org"})
            for n in range(self.members)
        ]
        ledger = open_ledger(self.ledger)
        replace_members(ledger, people, datetime.now(UTC))
        ledger.close()


def _member(address: str) -> int:
    """The number in `e7@example.org` or in the chat 1007."""
    return int(address[1:].partition("@")[0]) if "@" in address else int(address) - FIRST_CHAT


def _mailbox(mail: bytes) -> int:
    found = re.search(rb"^X-Rcpt-Args: <e(\d+)@", mail, re.MULTILINE)
    assert found is not None, mail[:200]
    return int(found[1])


@contextmanager
def club(folder: Path, members: int, *ranks: str) -> Iterator[Club]:
    """Receivers that run outside of the process that is killed, and members with an address on each."""
    telegram = Telegram(*(Chat(FIRST_CHAT + n, "private") for n in range(members)))
    folder.mkdir(parents=True, exist_ok=True)
    sinks = folder.parent.parent / f"{folder.name}-sink"
    with http.http_faults() as bot, smtp_sink(sinks, keep=True) as sink:
        bot.always(lambda request: http.delayed(0.02, telegram(request)))
        made = Club(folder, members, telegram, sink, bot.url)
        made.settle_down(*ranks)
        yield made


def wait_until(
    condition: Callable[[], bool], process: subprocess.Popen[bytes], within_s: float = 60.0
) -> None:
    """Look often, until it is so or the process has ended by itself."""
    end = time.monotonic() + within_s
    while not condition() and process.poll() is None:
        assert time.monotonic() < end, f"not within {within_s} s"
        time.sleep(0.001)
