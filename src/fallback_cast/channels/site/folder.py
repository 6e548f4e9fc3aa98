"""Files in the published folder: whole or not at all, in order, by one writer at a time.

The folder itself may be a symbolic link (releases are often switched so); inside it none is followed.
It is held open while we write, so a switch in between cannot spread one publication over two folders.
"""

from __future__ import annotations

import errno
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from fallback_cast.model.errors import AccessDenied, Layer, SendError, Unavailable

MANIFEST = ".fallback-cast.json"
LOCK = ".fallback-cast.lock"
TEMPORARY = ".fallback-cast.tmp"  # one name is enough: the lock admits one writer, and a crash leaves one
PAGE_MODE = 0o644  # the web server, another user, must read what we write

# What a person has to mend; everything else may pass by itself.
_SETTINGS = {
    errno.ENOENT: "the folder does not exist",
    errno.ENOTDIR: "the path is not a folder",
    errno.ELOOP: "the path leads in a circle of links",
    errno.ENAMETOOLONG: "the path is too long",
    errno.EACCES: "no right to write in the folder",
    errno.EPERM: "no right to write in the folder",
    errno.EROFS: "the folder is on a read-only disk",
}
_PASSING = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EIO: "the disk fails",
    errno.ESTALE: "the network folder has gone",
    errno.EFBIG: "a file may not grow so large here",
}


def fault(error: OSError) -> SendError:
    """What a file error before anything was published means for the message."""
    code = error.errno or 0
    if code in _SETTINGS:
        return AccessDenied(_SETTINGS[code])
    return Unavailable(
        _PASSING.get(code) or f"writing fails ({errno.errorcode.get(code, 'no reason given')})"
    )


class Folder:
    """The open folder. Names are plain: the caller has checked them. Methods raise OSError."""

    def __init__(self, descriptor: int) -> None:
        self._at = descriptor

    def kind(self, name: str) -> str:
        """`missing`, `file`, or `other` (a link, a folder, a device)."""
        try:
            mode = os.stat(name, dir_fd=self._at, follow_symlinks=False).st_mode
        except FileNotFoundError:
            return "missing"
        return "file" if stat.S_ISREG(mode) else "other"

    def read(self, name: str) -> bytes | None:
        """The content of a file, or None if there is none."""
        if self.kind(name) == "missing":
            return None
        # O_NONBLOCK: a pipe that somebody put there must not hold us.
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=self._at)
        with open(descriptor, "rb") as file:
            return file.read()

    def write(self, name: str, content: bytes) -> None:
        """Replace a file in one step: readers see the old or the new one. `settle` makes the step last."""
        with suppress(FileNotFoundError):
            os.unlink(TEMPORARY, dir_fd=self._at)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
        try:
            with open(os.open(TEMPORARY, flags, PAGE_MODE, dir_fd=self._at), "wb") as file:
                os.fchmod(file.fileno(), PAGE_MODE)
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            os.rename(TEMPORARY, name, src_dir_fd=self._at, dst_dir_fd=self._at)
        except OSError:
            with suppress(OSError):  # a half-written file on a full disk would only take space
                os.unlink(TEMPORARY, dir_fd=self._at)
            raise

    def settle(self) -> None:
        """Let what was written so far outlive a power cut, before anything that builds on it."""
        os.fsync(self._at)


@contextmanager
def opened(path: Path) -> Iterator[Folder]:
    """The folder, to look at. Raises AccessDenied or Unavailable."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise fault(error) from None
    try:
        yield Folder(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def locked(path: Path, wait_s: float) -> Iterator[Folder]:
    """The folder, to ourselves. Raises Unavailable if another writer does not end in time."""
    with opened(path) as folder:
        lock = FileLock(path / LOCK, timeout=wait_s, poll_interval=0.02)
        try:
            if folder.kind(LOCK) == "other":
                raise AccessDenied(f"{LOCK} is there and is not ours")
            lock.acquire()
        except Timeout:
            raise Unavailable("another process is writing to the folder", layer=Layer.SERVICE) from None
        except NotImplementedError:
            raise AccessDenied("the file system of the folder has no locks") from None
        except OSError as error:
            raise fault(error) from None
        try:
            yield folder
        finally:
            lock.release()


def try_writing(path: Path) -> None:
    """Make and remove a file as large as a page. Raises AccessDenied or Unavailable."""
    try:
        with tempfile.NamedTemporaryFile(dir=path, prefix=".fallback-cast-probe-") as file:
            file.write(bytes(16 * 1024))
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise fault(error) from None


@dataclass(frozen=True, slots=True)
class DiskGround:
    """A folder of this machine (see `Ground`)."""

    path: Path

    def opened(self) -> AbstractContextManager[Folder]:
        return opened(self.path)

    def locked(self, wait_s: float) -> AbstractContextManager[Folder]:
        return locked(self.path, wait_s)

    def tried(self) -> AbstractContextManager[Folder]:
        try_writing(self.path)
        return opened(self.path)
