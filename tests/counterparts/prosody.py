"""Prosody, an XMPP server. The club sends; its member is offline, so that messages wait to be read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.counterparts import require
from tests.counterparts.ports import HOST, free_port
from tests.counterparts.processes import Daemon, running, wait_for
from tests.counterparts.tls import Certificates

DOMAIN = "localhost"

# Prosody stores stanzas as Lua tables, an element's text first, its name and attributes in any order.
BODY = re.compile(r'{\s*"((?:[^"\\]|\\.)*)";\s*(?:\["attr"\] = {};\s*)?\["name"\] = "body";', re.DOTALL)


@dataclass(frozen=True)
class Prosody:
    """`username` sends; what was sent to `member` is read from the server's own store of waiting messages."""

    host: str
    port: int
    username: str
    password: str = field(repr=False)
    member: str
    ca_file: Path
    directory: Path
    daemon: Daemon

    def messages(self) -> list[str]:
        """The texts waiting for the member, oldest first."""
        return [_unquote(body) for body in BODY.findall(self._store())]

    def wait_for_messages(self, count: int = 1, deadline: float = 10) -> list[str]:
        return wait_for(
            lambda: found if len(found := self.messages()) >= count else None, f"{count} messages", deadline
        )

    def forget(self) -> None:
        for file in self.directory.glob("data/*/offline/*"):
            file.unlink()

    def _store(self) -> str:
        file = self.directory / "data" / DOMAIN / "offline" / "member.list"
        return file.read_text() if file.exists() else ""


def _unquote(text: str) -> str:
    """A Lua string: bytes beyond ASCII are written as three digits."""

    def plain(escape: re.Match[bytes]) -> bytes:
        code = escape[1]
        return (
            bytes([int(code)]) if code.isdigit() else {b"n": b"\n", b"t": b"\t", b"r": b"\r"}.get(code, code)
        )

    return re.sub(rb"\\(\d{1,3}|.)", plain, text.encode(), flags=re.DOTALL).decode()


@contextmanager
def prosody(directory: Path, certificates: Certificates) -> Iterator[Prosody]:
    port, password = free_port(), "pw-xmpp"
    accounts = directory / "data" / DOMAIN / "accounts"
    accounts.mkdir(parents=True)
    for name in ("club", "member"):
        accounts.joinpath(f"{name}.dat").write_text(f'return {{ ["password"] = "{password}"; }};\n')
    conf = directory / "prosody.cfg.lua"
    conf.write_text(_settings(directory, port, certificates))
    command = [require.program("prosody"), "--config", conf, "-F"]
    with running(command, directory / "log", port=port) as daemon:
        member = f"member@{DOMAIN}"
        yield Prosody(
            DOMAIN, port, f"club@{DOMAIN}", password, member, certificates.ca_file, directory, daemon
        )


def _settings(directory: Path, port: int, certificates: Certificates) -> str:
    """STARTTLS is demanded, as public servers do."""
    return f"""\
run_as_root = true
interfaces = {{ "{HOST}" }}
c2s_ports = {{ {port} }}
c2s_direct_tls_ports = {{}}
s2s_ports = {{}}
http_ports = {{}}
https_ports = {{}}
modules_enabled = {{ "roster", "saslauth", "tls", "disco", "ping", "offline" }}
modules_disabled = {{ "s2s" }}
data_path = "{directory}/data"
pidfile = "{directory}/pid"
certificates = "{directory}"
allow_registration = false
c2s_require_encryption = true
authentication = "internal_plain"
log = {{ {{ levels = {{ min = "info" }}; to = "console" }} }}
VirtualHost "{DOMAIN}"
  ssl = {{ key = "{certificates.good}"; certificate = "{certificates.good}" }}
"""
