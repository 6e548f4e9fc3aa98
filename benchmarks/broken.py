"""First channels in every state of an outage, and a name server that says nothing."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.counterparts.http_faults import HttpFaults, blackhole, hang, http_faults, refused_port, reply
from tests.counterparts.ports import HOST

from benchmarks.servers import ANSWER, Missing

DEAD_NAME_SERVER = "127.0.0.77"
STATES = ("healthy", "refused", "blackholed", "silent", "503", "name server silent")


@dataclass(frozen=True)
class First:
    """The first channel: where it is, its server if there is one, and what a command must be wrapped in."""

    url: str
    server: HttpFaults | None = None
    wrap: Sequence[object] = ()

    def messages(self) -> int:
        """Messages whose every byte came here: they may have been delivered."""
        return sum(request.method == "POST" for request in self.server.requests) if self.server else 0


@contextmanager
def first_channel(state: str, folder: Path) -> Iterator[First]:
    """Raises Missing if this machine does not let us make the state."""
    match state:
        case "refused":
            with refused_port() as port:
                yield First(f"http://{HOST}:{port}")
        case "blackholed":
            with blackhole() as port:
                yield First(f"http://{HOST}:{port}")
        case "name server silent":
            with silent_name_server(folder) as wrap:
                yield First("http://channel.example.org", wrap=wrap)
        case _:
            with http_faults() as server:
                server.always(_SCRIPTS[state])
                yield First(server.url, server)


_SCRIPTS = {
    "healthy": reply(200, ANSWER, headers={"Content-Type": "application/json"}),
    "silent": hang(),
    "503": reply(503, json={"ok": False}),
}


@contextmanager
def silent_name_server(folder: Path) -> Iterator[Sequence[object]]:
    """Words in front of a command for which all names hang: its own /etc/resolv.conf, the real resolver.

    The port takes every question and answers none. Raises Missing without the rights for it.
    """
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        raise Missing("a silent name server needs root and unshare")
    file = folder / "resolv.conf"
    file.write_text(f"nameserver {DEAD_NAME_SERVER}\n")
    wrap = ["unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/resolv.conf && exec "$@"', file]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind((DEAD_NAME_SERVER, 53))
        tried = subprocess.run([*map(str, wrap), "true"], capture_output=True, text=True)
        if tried.returncode:
            raise Missing(f"a silent name server: {tried.stderr.strip()}")
        yield wrap
