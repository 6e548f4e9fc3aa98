"""SFTP 3 (draft-ietf-secsh-filexfer-02, as in OpenSSH) by asyncssh; the server's key is always checked."""

from __future__ import annotations

import logging
from contextlib import suppress
from pathlib import Path
from typing import Any

import asyncssh

from fallback_cast.channels.site.folder import PAGE_MODE
from fallback_cast.channels.site.remote import Wire
from fallback_cast.channels.site.sockets import reach
from fallback_cast.channels.site.target import Target
from fallback_cast.model.errors import AccessDenied, Layer, OutcomeUnknown, SendError, Unavailable

# It writes hosts, users and paths into its log lines (P9).
logging.getLogger("asyncssh").setLevel(logging.CRITICAL)

_KINDS = {asyncssh.FILEXFER_TYPE_REGULAR: "file"}
_SAID: tuple[tuple[type[asyncssh.SFTPError], type[SendError], str], ...] = (
    (asyncssh.SFTPPermissionDenied, AccessDenied, "no right to write in the folder"),
    (asyncssh.SFTPWriteProtect, AccessDenied, "the folder is on a read-only disk"),
    (asyncssh.SFTPNoSuchFile, AccessDenied, "the folder does not exist"),
    (asyncssh.SFTPNoSuchPath, AccessDenied, "the folder does not exist"),
    (asyncssh.SFTPNoSpaceOnFilesystem, Unavailable, "the disk is full"),
    (asyncssh.SFTPQuotaExceeded, Unavailable, "the disk quota is used up"),
)


class _Pinned(asyncssh.SSHClient):
    """Takes one server key and no other."""

    def __init__(self, fingerprint: str) -> None:
        self._wanted = fingerprint.rstrip("=")

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        return key.get_fingerprint("sha256").rstrip("=") == self._wanted


class SftpWire(Wire):
    def __init__(self, target: Target) -> None:
        self._target = target
        self._connection: asyncssh.SSHClientConnection | None = None
        self._client: asyncssh.SFTPClient | None = None

    async def open(self) -> None:
        sock = await reach(self._target)
        try:
            self._connection = await asyncssh.connect(sock=sock, **_options(self._target))
            self._client = await self._connection.start_sftp_client()
            folder = await self._client.stat(self._target.folder)
        except (asyncssh.Error, OSError, ValueError) as error:
            sock.close()
            raise _fault(error) from None
        except BaseException:
            sock.close()
            raise
        if folder.type != asyncssh.FILEXFER_TYPE_DIRECTORY:
            raise AccessDenied("the path is not a folder")

    async def kind(self, name: str) -> str:
        try:
            return _KINDS.get((await self._sftp.lstat(self._path(name))).type, "other")
        except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath):
            return "missing"
        except (asyncssh.Error, OSError) as error:
            raise _fault(error) from None

    async def read(self, name: str) -> bytes:
        try:
            async with self._sftp.open(self._path(name), "rb") as file:
                content = await file.read()
                assert isinstance(content, bytes)
                return content
        except (asyncssh.Error, OSError) as error:
            raise _fault(error) from None

    async def put(self, name: str, content: bytes) -> None:
        try:
            async with self._sftp.open(self._path(name), "xb") as file:
                await file.write(content)
                await file.setstat(asyncssh.SFTPAttrs(permissions=PAGE_MODE))
                with suppress(asyncssh.SFTPOpUnsupported):  # an extension of OpenSSH
                    await file.fsync()
        except (asyncssh.Error, OSError) as error:
            raise _fault(error) from None

    async def replace(self, old: str, new: str) -> None:
        """In one step where the server can; plain RENAME of SFTP 3 does not replace."""
        try:
            await self._sftp.posix_rename(self._path(old), self._path(new))
        except asyncssh.SFTPOpUnsupported:
            await self.remove(new)
            await self._rename(old, new)
        except (asyncssh.Error, OSError) as error:
            raise _fault(error) from None

    async def remove(self, name: str) -> None:
        try:
            await self._sftp.remove(self._path(name))
        except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath):
            return
        except (asyncssh.Error, OSError) as error:
            raise _fault(error) from None

    async def close(self) -> None:
        if self._client:
            self._client.exit()
        if self._connection:
            self._connection.close()
            try:
                await self._connection.wait_closed()
            except (asyncssh.Error, OSError):
                self._connection.abort()

    async def _rename(self, old: str, new: str) -> None:
        try:
            await self._sftp.rename(self._path(old), self._path(new))
        except (asyncssh.Error, OSError) as error:
            raise _fault(error) from None

    @property
    def _sftp(self) -> asyncssh.SFTPClient:
        assert self._client
        return self._client

    def _path(self, name: str) -> str:
        return self._target.path(name)


def _options(target: Target) -> dict[str, Any]:
    """Nothing of the user's own SSH settings: no agent, no key, no known_hosts but the one named."""
    options: dict[str, Any] = {
        "host": target.host,
        "port": target.port,
        "config": None,
        "username": target.username,
        "agent_path": None,
        "client_keys": None,
        "gss_host": None,
        "password": target.password,
        "known_hosts": ([], [], []),
    }
    if target.known_hosts:
        options["known_hosts"] = _known(target.known_hosts)
    if target.host_key:
        wanted = target.host_key
        options["client_factory"] = lambda: _Pinned(wanted)
    if target.private_key:
        options["client_keys"] = [_private_key(target.private_key, target.passphrase)]
    return options


def _known(file: Path) -> Any:
    try:
        return asyncssh.read_known_hosts(str(file))
    except (OSError, ValueError, asyncssh.Error):
        raise AccessDenied("the file known_hosts cannot be read") from None


def _private_key(file: Path, passphrase: str | None) -> Any:
    try:
        return asyncssh.read_private_key(file, passphrase)
    except (OSError, ValueError, asyncssh.Error):
        raise AccessDenied("the private key cannot be read with this passphrase") from None


def _fault(error: BaseException) -> SendError:
    """What an error of SSH means; its own words hold hosts and paths."""
    for kind, meaning, reason in _SAID:
        if isinstance(error, kind):
            return meaning(reason)
    match error:
        case asyncssh.HostKeyNotVerifiable():
            return AccessDenied("the server shows another host key than the settings name", layer=Layer.TLS)
        case asyncssh.PermissionDenied():
            return AccessDenied("the login is refused")
        case asyncssh.SFTPNoConnection() | asyncssh.SFTPConnectionLost():
            return OutcomeUnknown("the connection broke before the answer was complete")
        case asyncssh.DisconnectError() | OSError():
            return OutcomeUnknown("the connection broke before the answer was complete")
        case asyncssh.SFTPError():
            return Unavailable("the server refuses to write")
        case _:
            return Unavailable("no SSH connection")
