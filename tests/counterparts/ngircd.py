"""ngIRCd, a small IRC server, and a member who sits in a channel and listens."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.counterparts import require
from tests.counterparts.ports import HOST, free_port
from tests.counterparts.processes import Daemon, running


@dataclass(frozen=True)
class Said:
    nick: str
    target: str
    text: str


@dataclass(frozen=True)
class Listener:
    """A member's connection. It answers the server's pings only while it waits for a line."""

    _connection: socket.socket
    _received: bytearray

    def wait_for_line(self, pattern: str) -> re.Match[str]:
        while True:
            line = self._next_line()
            if line.startswith("PING"):
                self.say(line.replace("PING", "PONG", 1))
            elif found := re.search(pattern, line):
                return found

    def wait_for_message(self) -> Said:
        return Said(*self.wait_for_line(r"^:([^!]+)\S* (?:PRIVMSG|NOTICE) (\S+) :(.*)").groups())

    def say(self, line: str) -> None:
        self._connection.sendall(f"{line}\r\n".encode())

    def _next_line(self) -> str:
        while b"\n" not in self._received:
            data = self._connection.recv(4096)
            if not data:
                raise ConnectionError("the IRC server hung up")
            self._received.extend(data)
        line, _, rest = bytes(self._received).partition(b"\n")
        self._received[:] = rest
        return line.decode(errors="replace").rstrip("\r")


@dataclass(frozen=True)
class Ngircd:
    host: str
    port: int
    daemon: Daemon

    @contextmanager
    def listening(self, channel: str, nick: str = "member", deadline: float = 10) -> Iterator[Listener]:
        with socket.create_connection((self.host, self.port), timeout=deadline) as connection:
            listener = Listener(connection, bytearray())
            listener.say(f"NICK {nick}")
            listener.say(f"USER {nick} 0 * :{nick}")
            listener.wait_for_line(" 001 ")
            listener.say(f"JOIN {channel}")
            listener.wait_for_line(" 366 ")
            yield listener


@contextmanager
def ngircd(directory: Path) -> Iterator[Ngircd]:
    directory.mkdir(parents=True, exist_ok=True)
    port = free_port()
    conf = directory / "ngircd.conf"
    conf.write_text(f"""\
[Global]
Name = irc.test
Info = tests
Listen = {HOST}
Ports = {port}
[Limits]
MaxConnectionsIP = 0
MaxNickLength = 30
[Options]
DNS = no
Ident = no
PAM = no
SyslogFacility = local1
""")
    with running([require.program("ngircd"), "-n", "-f", conf], directory / "log", port=port) as daemon:
        yield Ngircd(HOST, port, daemon)
