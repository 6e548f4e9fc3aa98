"""A system resolver that asks a silent name server, for one command alone: a private mount namespace.

Everything else stays as it is, loopback too; so a command may ask in vain for one channel's name and reach another
channel by its address.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

SILENT_HOST = "127.77.0.53"  # its own address on loopback: port 53 elsewhere may be taken
UNKNOWN = "first.example.test"
_BIND = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'


@dataclass(frozen=True)
class Resolvers:
    """How to start a command with the machine's resolver, and with one that asks in vain.

    Both go through the same wrapper, so that both pay for it. Without leave for namespaces there is no
    wrapper and `missing` says why.
    """

    usual: Sequence[str]
    silent: Sequence[str]
    missing: str = ""


@contextmanager
def resolvers() -> Iterator[Resolvers]:
    if why := _why_not():
        yield Resolvers((), (), why)
        return
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="benchmark-names-")))
        _listen_in_silence(stack)
        usual, silent = folder / "usual", folder / "silent"
        shutil.copyfile("/etc/resolv.conf", usual)
        silent.write_text(f"nameserver {SILENT_HOST}\n")  # glibc's own defaults: 5 s, twice
        yield Resolvers(_wrapper(usual), _wrapper(silent))


def _listen_in_silence(stack: ExitStack) -> None:
    """Queries pile up unread: the client is not told that nobody is there."""
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        silent = stack.enter_context(socket.socket(socket.AF_INET, kind))
        silent.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        silent.bind((SILENT_HOST, 53))
        if kind is socket.SOCK_STREAM:
            silent.listen(64)


def _wrapper(resolv_conf: Path) -> Sequence[str]:
    return ("unshare", "--mount", "sh", "-c", _BIND, str(resolv_conf))


def _why_not() -> str:
    if shutil.which("unshare") is None or not Path("/etc/resolv.conf").exists():
        return "no unshare, or no /etc/resolv.conf"
    if os.geteuid() != 0:
        return "a private resolv.conf needs root"
    tried = subprocess.run([*_wrapper(Path("/etc/resolv.conf")), "true"], capture_output=True, check=False)
    return "mount namespaces are not allowed here" if tried.returncode else ""
