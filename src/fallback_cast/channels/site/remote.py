"""A folder on a server, seen by the publisher as any other: one new connection for each publication.

The publisher works in a thread; there a connection has an event loop of its own, from first to last.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import stat
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from filelock import FileLock, Timeout

from fallback_cast.channels.site.folder import TEMPORARY
from fallback_cast.model.errors import AccessDenied, OutcomeUnknown, SendError, Unavailable

T = TypeVar("T")

STEP_S = 10.0  # one step on the wire, connecting included
WHOLE_S = 60.0  # one publication
PROBE_NAME = ".fallback-cast-probe.tmp"
PROBE_SIZE = 16 * 1024


class Wire(ABC):
    """One connection to the folder. Every step raises one of the SendErrors, and no other error.

    OutcomeUnknown: the server may have done it. `close` raises nothing.
    """

    @abstractmethod
    async def open(self) -> None:
        """Connect, prove who the server is, log in, and find the folder."""

    @abstractmethod
    async def kind(self, name: str) -> str:
        """`missing`, `file` or `other`; a link is `other`."""

    @abstractmethod
    async def read(self, name: str) -> bytes:
        """The content of a file that is there."""

    @abstractmethod
    async def put(self, name: str, content: bytes) -> None:
        """Write a new file, which the web server may read."""

    @abstractmethod
    async def replace(self, old: str, new: str) -> None:
        """Rename a file over another one."""

    @abstractmethod
    async def remove(self, name: str) -> None:
        """Remove a file or a link; nothing there is as good."""

    @abstractmethod
    async def close(self) -> None: ...


class RemoteFolder:
    """The open folder (see `OpenFolder`); a step that takes too long is given up."""

    def __init__(self, runner: asyncio.Runner, wire: Wire, step_s: float = STEP_S) -> None:
        self._runner, self._wire, self._step_s = runner, wire, step_s
        self._ends = time.monotonic() + WHOLE_S

    def open(self) -> None:
        try:
            self._run(self._wire.open)
        except OutcomeUnknown as error:  # nothing is written yet
            raise Unavailable(error.reason, layer=error.layer) from None

    def close(self) -> None:
        self._run(self._wire.close)

    def kind(self, name: str) -> str:
        return self._surely(lambda: self._wire.kind(name))

    def read(self, name: str) -> bytes | None:
        kind = self.kind(name)
        if kind == "other":
            raise AccessDenied(f"{name} is there and is not ours")
        return None if kind == "missing" else self._surely(lambda: self._wire.read(name))

    def write(self, name: str, content: bytes) -> None:
        """Only the last step can be seen by readers, so only its outcome can be unknown."""
        self._put(TEMPORARY, content)
        try:
            self._run(lambda: self._wire.replace(TEMPORARY, name))
        except OutcomeUnknown:
            raise
        except SendError:  # a half-published file would only take space
            with suppress(SendError):
                self._run(lambda: self._wire.remove(TEMPORARY))
            raise

    def settle(self) -> None:
        """A server's answer is all that can be had."""

    def try_writing(self) -> None:
        self._put(PROBE_NAME, bytes(PROBE_SIZE))
        self._surely(lambda: self._wire.remove(PROBE_NAME))

    def _put(self, name: str, content: bytes) -> None:
        # Removed first: what a crash left, or a link that somebody put there, is not written through.
        self._surely(lambda: self._wire.remove(name))
        try:
            self._surely(lambda: self._wire.put(name, content))
        except SendError:
            with suppress(SendError):
                self._run(lambda: self._wire.remove(name))
            raise

    def _surely(self, step: Callable[[], Awaitable[T]]) -> T:
        """A step that no reader can see: without an answer, nothing is published."""
        try:
            return self._run(step)
        except OutcomeUnknown as error:
            raise Unavailable(error.reason, layer=error.layer) from None

    def _run(self, step: Callable[[], Awaitable[T]]) -> T:
        async def timed() -> T:
            try:
                async with asyncio.timeout(max(0.1, min(self._step_s, self._ends - time.monotonic()))):
                    return await step()
            except TimeoutError:
                raise OutcomeUnknown("no answer in time") from None

        return self._runner.run(timed())


@dataclass(frozen=True, slots=True)
class RemoteGround:
    """A folder on a server (see `Ground`). `key` names it; only a hash of it is written to the disk."""

    key: str
    wire: Callable[[], Wire]
    step_s: float = STEP_S

    @contextmanager
    def opened(self) -> Iterator[RemoteFolder]:
        with asyncio.Runner() as runner:
            folder = RemoteFolder(runner, self.wire(), self.step_s)
            try:
                folder.open()
                yield folder
            finally:
                with suppress(SendError):
                    folder.close()

    @contextmanager
    def locked(self, wait_s: float) -> Iterator[RemoteFolder]:
        """To ourselves on this machine: these protocols have no lock that death frees."""
        lock = FileLock(_lock_file(self.key), timeout=wait_s, poll_interval=0.02)
        try:
            lock.acquire()
        except Timeout:
            raise Unavailable("another process is writing to the folder") from None
        except (OSError, NotImplementedError):
            raise AccessDenied("no lock can be made in the folder for temporary files") from None
        try:
            with self.opened() as folder:
                yield folder
        finally:
            lock.release()

    @contextmanager
    def tried(self) -> Iterator[RemoteFolder]:
        with self.opened() as folder:
            folder.try_writing()
            yield folder


def _lock_file(key: str) -> Path:
    """In a folder of our own that nobody else may enter, so that no link can be put in the way."""
    folder = Path(tempfile.gettempdir()) / f"fallback-cast-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    seen = folder.lstat()
    if not stat.S_ISDIR(seen.st_mode) or seen.st_uid != os.getuid() or seen.st_mode & 0o077:
        raise PermissionError
    return folder / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.lock"
