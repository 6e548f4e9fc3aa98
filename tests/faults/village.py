"""A club's laptop in one network namespace, and in another one all it sends by: each host at its own address.

The program is the real one, as commands in processes, with a settings file and a ledger; the servers
are real too, so what a member is told is counted where it arrives.
"""

from __future__ import annotations

import base64
import json
import os
import re
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from email.parser import BytesHeaderParser
from email.policy import default
from pathlib import Path
from typing import Any

from tests.channels.telegram_emulator import TOKEN, Chat, Telegram
from tests.counterparts import dns_faults as dns
from tests.counterparts import http_faults as http
from tests.counterparts.netns import Network
from tests.counterparts.processes import end, wait_for
from tests.counterparts.smtp_sink import SmtpSink, smtp_sink

MESSENGER, MAIL = "api.messenger.test", "mail.club.test"
HOSTS = {
    MESSENGER: "10.77.0.3",
    MAIL: "10.77.0.4",
    "one.reference.test": "10.77.0.5",
    "two.reference.test": "10.77.0.6",
    "three.reference.test": "10.77.0.7",
}
REFERENCES = ("tcp://10.77.0.5:53", "http://10.77.0.6/generate_204", "http://10.77.0.7/")
URGENT = '[policy.urgent]\ngrace = "1s"\n'
SECRET = "whsec_" + base64.b64encode(b"0" * 32).decode()
_HELD_DOWN_S = 120  # longer than any rest of a platform in these tests


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.stdout)
        return found

    def channel(self, name: str) -> dict[str, Any]:
        """What `--json` says of one channel."""
        return next(channel for channel in self.json["channels"] if channel["name"] == name)


@dataclass(frozen=True, order=True)
class Carried:
    """One sendMessage: when it came and when it had been answered, by time.monotonic."""

    came: float
    answered: float
    text: str


class Messenger(Telegram):
    """The Bot API with one private chat for each member, and the moments at which it was busy."""

    def __init__(self, members: int) -> None:
        super().__init__(*(Chat(1000 + n, "private") for n in range(members)))
        self._by_id = {chat.id: chat for chat in self.chats}
        self.busy: list[Carried] = []
        self.delay_s = 0.0

    def _chat(self, body: Mapping[str, Any]) -> Chat:
        found = self._by_id.get(body.get("chat_id", 0))
        return found or super()._chat(body)

    def __call__(self, request: http.Request) -> http.Action:
        came, action = time.monotonic(), super().__call__(request)
        if not request.path.endswith("/sendMessage"):
            return action

        def perform(wire: http.Wire) -> None:
            wire.pause(self.delay_s)
            action.perform(wire)
            self.busy.append(Carried(came, time.monotonic(), request.json()["text"]))

        return http.Action(perform, action.keep_alive)

    def busy_with(self, title: str) -> list[Carried]:
        return [carried for carried in list(self.busy) if title in carried.text]


@dataclass
class Village:
    network: Network
    folder: Path
    names: dns.DnsFaults
    messenger: Messenger
    messenger_server: http.HttpFaults
    mail: SmtpSink
    web: dict[str, http.HttpFaults]
    processes: list[subprocess.Popen[str]] = field(default_factory=list)

    # -- the program ---------------------------------------------------------------------------

    def settings(self, *channels: str, health: str = "", more: str = URGENT) -> None:
        """`channels.toml` with these `[[channel]]` tables, and the references unless `health` is given."""
        named = health or f"references = {json.dumps(REFERENCES)}"
        tables = "".join(f"[[channel]]\n{channel}\n" for channel in channels)
        self.folder.joinpath("secret").write_text(SECRET)
        self.folder.joinpath("secret").chmod(0o600)
        self.folder.joinpath("channels.toml").touch(0o600)
        self.folder.joinpath("channels.toml").write_text(
            f'[club]\nname = "Club"\nlanguage = "en"\n{tables}[health]\n{named}\n{more}'
        )

    def start(self, *words: str) -> subprocess.Popen[str]:
        """A command on the club's laptop."""
        program = [sys.executable, "-c", "from fallback_cast.cli.app import main; main()", *words]
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("LC_", "LANG"))}
        process = subprocess.Popen(
            [str(word) for word in self.network.client.command(*program)],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.processes.append(process)
        return process

    def finish(self, process: subprocess.Popen[str], within_s: float = 90) -> Done:
        try:
            stdout, stderr = process.communicate(timeout=within_s)
        except subprocess.TimeoutExpired:
            end(process)
            stdout, stderr = process.communicate()
            raise AssertionError(f"not ended after {within_s} s\n{stdout}\n{stderr}") from None
        return Done(process.returncode, stdout, stderr)

    def run(self, *words: str, within_s: float = 90) -> Done:
        return self.finish(self.start(*words), within_s)

    def announce(self, title: str, *words: str) -> subprocess.Popen[str]:
        return self.start(
            "send", "-t", title, "-b", "The pitch is flooded.", "-i", "urgent", "--json", *words
        )

    def enrol(self, count: int, *, few: int = 0) -> None:
        """So many members with both addresses; the first `few` are in the group `few`."""
        lines = ["name,telegram,email,groups"]
        lines += [f"Member {n},{1000 + n},m{n}@example.org,{'few' if n < few else ''}" for n in range(count)]
        self.folder.joinpath("members.csv").write_text("\n".join(lines) + "\n")
        done = self.run("members", "import", "members.csv")
        assert done.code == 0, done.stderr

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        """What the ledger says."""
        with closing(sqlite3.connect(self.folder / "fallback-cast.db")) as ledger:
            return ledger.execute(query).fetchall()

    def time_passes(self, seconds: int = _HELD_DOWN_S) -> None:
        """As if all that was seen of the platforms had been seen so much earlier; nobody sends meanwhile."""
        columns = {
            "evidence": ("at",),
            "breaker": ("since", "seen_at", "retry_at", "configured_at"),
            "outage": ("began_at", "ended_at"),
            "pace": ("next_at",),
        }
        with closing(sqlite3.connect(self.folder / "fallback-cast.db")) as ledger, ledger:
            for table, names in columns.items():
                changes = ", ".join(f"{name} = {name} - {seconds * 1_000_000}" for name in names)
                ledger.execute(f"UPDATE {table} SET {changes}")

    # -- what arrived --------------------------------------------------------------------------

    def by_messenger(self, title: str) -> Counter[int]:
        """How often each member was told this by the messenger."""
        return Counter(sent.chat - 1000 for sent in list(self.messenger.sent) if title in sent.text)

    def by_mail(self, title: str) -> Counter[int]:
        told: Counter[int] = Counter()
        for mail in self.mail.mails():
            head = BytesHeaderParser(policy=default).parsebytes(mail)
            if title in str(head["subject"]):
                told.update(int(n) for n in re.findall(r"m(\d+)@example\.org", str(head["x-rcpt-args"])))
        return told

    def told(self, title: str) -> Counter[int]:
        return self.by_messenger(title) + self.by_mail(title)

    def until_told(self, title: str, count: int) -> None:
        wait_for(lambda: len(self.by_messenger(title)) >= count, f"{count} messages", 60)


TELEGRAM = f"""name = "telegram"
kind = "telegram"
token = "{TOKEN}"
base_url = "http://{MESSENGER}"
timeout = "3s"
"""
EMAIL = f"""name = "email"
kind = "email"
sender = "Club <club@example.org>"
[[channel.relay]]
host = "{MAIL}"
port = 25
security = "none"
rate = 1000
max_connections = 10
connect_timeout = "4s"
command_timeout = "4s"
final_timeout = "8s"
"""


def webhook(name: str, url: str, *more: str) -> str:
    lines = [
        f'name = "{name}"',
        'kind = "webhook"',
        f'url = "{url}"',
        'secret = "file:secret"',
        'timeout = "3s"',
    ]
    return "\n".join([*lines, *more])


@contextmanager
def village(network: Network, folder: Path, *, members: int = 10) -> Iterator[Village]:
    """Everything works, until the test makes it fail."""
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        for address in HOSTS.values():
            network.add_address(address)
        stack.enter_context(network.asking(network.server.address))
        with network.server.entered():
            names = stack.enter_context(dns.dns_faults(host=network.server.address, port=53))
            root = stack.enter_context(dns.dns_faults(host="10.77.0.5", port=53))
            served = stack.enter_context(http.http_faults(host=HOSTS[MESSENGER], port=80))
            web = {
                host: stack.enter_context(http.http_faults(host=host, port=80))
                for host in ("10.77.0.6", "10.77.0.7")
            }
        root.add(". 60 IN NS a.root.test.")
        names.add(*(f"{name}. 60 IN A {address}" for name, address in HOSTS.items()))
        web["10.77.0.6"].always(http.reply(204))
        web["10.77.0.7"].always(http.reply(200, "a page of our own"))
        messenger = Messenger(members)
        served.always(messenger)
        sink = smtp_sink(folder / "mail", keep=True, host=HOSTS[MAIL], within=network.server)
        mail = stack.enter_context(sink)
        made = Village(network, folder, names, messenger, served, mail, web)
        made.settings(TELEGRAM, EMAIL)
        try:
            yield made
        finally:
            for process in made.processes:
                end(process)
                for stream in (process.stdout, process.stderr):
                    with suppress(OSError):
                        stream and stream.close()
