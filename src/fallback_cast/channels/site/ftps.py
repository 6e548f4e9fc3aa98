"""FTP over TLS (RFC 4217, AUTH TLS) by ftplib: login and data encrypted, the server's certificate checked.

ftplib blocks; the publisher works in a thread of its own, where that is no harm.
"""

from __future__ import annotations

import ftplib
import io
import re
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from fallback_cast.channels.kit.http import ssl_context, tls_reason
from fallback_cast.channels.site.remote import Wire
from fallback_cast.channels.site.sockets import reach
from fallback_cast.channels.site.target import Target
from fallback_cast.model.errors import AccessDenied, Layer, OutcomeUnknown, SendError, Unavailable

T = TypeVar("T")


class _Session(ftplib.FTP_TLS):
    """Over a connection that is there already, and resuming its TLS session for data, as servers ask."""

    def use(self, sock: socket.socket, host: str, step_s: float) -> None:
        sock.settimeout(step_s)
        self.timeout = step_s
        self.host, self.af, self.sock = host, sock.family, sock
        self.file = sock.makefile("r", encoding=self.encoding)
        self.welcome = self.getresp()

    def ntransfercmd(self, cmd: str, rest: int | str | None = None) -> tuple[socket.socket, int | None]:
        plain, size = ftplib.FTP.ntransfercmd(self, cmd, rest)  # noqa: S321  # TLS follows
        assert isinstance(self.sock, ssl.SSLSocket)
        session = self.sock.session
        secure = self.context.wrap_socket(plain, server_hostname=self.host, session=session)
        return secure, size


class FtpsWire(Wire):
    def __init__(self, target: Target, step_s: float) -> None:
        self._target, self._step_s = target, step_s
        self._ftp: _Session | None = None

    async def open(self) -> None:
        sock = await reach(self._target)
        sock.setblocking(True)
        self._ftp = _Session(context=ssl_context(self._target.ca_file))
        ftp, target = self._ftp, self._target
        try:
            self._do(lambda: ftp.use(sock, target.host, self._step_s))
        except SendError:
            sock.close()
            raise
        self._do(ftp.auth)
        self._do(lambda: ftp.login(target.username, target.password or "", secure=False))
        self._do(ftp.prot_p)
        try:
            self._do(lambda: ftp.cwd(target.folder))
        except AccessDenied:
            raise AccessDenied("the folder does not exist") from None

    async def kind(self, name: str) -> str:
        return self._listing().get(name, "missing")

    async def read(self, name: str) -> bytes:
        content = io.BytesIO()
        self._do(lambda: self._ready.retrbinary(f"RETR {name}", content.write))
        return content.getvalue()

    async def put(self, name: str, content: bytes) -> None:
        self._do(lambda: self._ready.storbinary(f"STOR {name}", io.BytesIO(content)))
        with suppress(AccessDenied, Unavailable):  # an extension: where it is missing, the umask decides
            self._do(lambda: self._ready.voidcmd(f"SITE CHMOD 644 {name}"))

    async def replace(self, old: str, new: str) -> None:
        """Most servers rename over an old file in one step; where one refuses, the old one goes first."""
        try:
            self._do(lambda: self._ready.rename(old, new))
        except (AccessDenied, Unavailable):
            await self.remove(new)
            self._do(lambda: self._ready.rename(old, new))

    async def remove(self, name: str) -> None:
        if self._listing().get(name, "missing") != "missing":
            self._do(lambda: self._ready.delete(name))

    async def close(self) -> None:
        if self._ftp is not None:
            with suppress(OSError, EOFError, ftplib.Error):
                self._ftp.quit()
            self._ftp.close()

    @property
    def _ready(self) -> _Session:
        assert self._ftp
        return self._ftp

    def _listing(self) -> dict[str, str]:
        """What stands in the folder, hidden files too. Not every server knows MLSD (RFC 3659)."""
        lines: list[str] = []
        self._do(lambda: self._ready.retrlines("LIST -a", lines.append))
        return dict(found for line in lines if (found := _entry(line)))

    def _do(self, step: Callable[[], T]) -> T:
        try:
            return step()
        except (OSError, EOFError, ftplib.Error, ValueError) as error:
            fault = _fault(error)
        # Outside the except block: what ftplib raised holds the server's words, with paths.
        raise fault


# Type and rights, links, owner, group, size, date in three words, name: `ls -l`, as all servers write it.
_LINE = re.compile(r"([-dlbcps])\S{9}\S*\s+\d+\s+\S+\s+\S+\s+\d+\s+\S+\s+\S+\s+\S+ (.+)")


def _entry(line: str) -> tuple[str, str] | None:
    found = _LINE.fullmatch(line)
    if found is None:
        return None
    letter, name = found.groups()
    if letter == "l":
        name = name.partition(" -> ")[0]
    return name, "file" if letter == "-" else "other"


def _fault(error: Any) -> SendError:
    """What an error of FTP means (RFC 959 §4.2)."""
    match error:
        case ssl.SSLError():
            return Unavailable(tls_reason(error), layer=Layer.TLS)
        case TimeoutError():
            return OutcomeUnknown("no answer in time")
        case OSError() | EOFError():
            return OutcomeUnknown("the connection broke before the answer was complete")
        case ftplib.error_perm() | ftplib.error_temp():
            return _said(str(error)[:3])
        case _:
            return OutcomeUnknown("the answer cannot be read")


def _said(code: str) -> SendError:
    match code:
        case "530" | "532" | "430":
            return AccessDenied("the login is refused")
        case "552" | "452":
            return Unavailable("the disk is full")
        case "421":
            return Unavailable("the server takes no more connections")
        case "500" | "502" | "504" | "534":
            return AccessDenied("the server offers no TLS")
        case _ if code.startswith("5"):
            return AccessDenied("no right to write in the folder")
        case _:
            return Unavailable("the server refuses to write")
