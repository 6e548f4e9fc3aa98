"""The folders of Gammu SMSD's files backend: put a message in once, and see what became of it.

gammu-smsd-files(7), gammu-smsdrc(5), and what 1.42 does (seen 2026-11): it takes from the outbox, in the
order of names, what begins with OUT and ends with .txt or .smsbackup; what was sent moves to `sent`, what
it cannot send to `errors`, under the same name. It knows no keys; the name is ours, and holds the key.
"""

from __future__ import annotations

import configparser
import errno
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from fallback_cast.model.errors import AccessDenied, OutcomeUnknown, SendError, Unavailable
from fallback_cast.model.texts import Phrase

_PATHS = {"outbox": "outboxpath", "sent": "sentsmspath", "errors": "errorsmspath"}
_FILE_MODE = 0o640  # number and text of a person: for the daemon's group, not for everybody
_SHARED_MEMORY = Path("/proc/sysvipc/shm")


class State(StrEnum):
    """What became of a message. SENT: the phone gave it to the operator; nothing says that it arrived."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Spool:
    """The three folders. Methods block; they raise AccessDenied, Unavailable or OutcomeUnknown."""

    outbox: Path
    sent: Path
    errors: Path

    def put(self, name: str, content: bytes) -> bool:
        """Hand over a message, whole or not at all. False: it had been handed over before.

        What the daemon gave up on counts as not handed over: a second try is a new one.
        """
        if self.state(name) in (State.WAITING, State.SENT):
            return False
        hidden = self.outbox / f".{name}"  # no name that the daemon looks at
        try:
            _write(hidden, content)
            os.link(hidden, self.outbox / name)  # unlike a rename it never replaces
        except FileExistsError:
            return False
        except OSError as error:
            raise _fault(error) from None
        finally:
            with suppress(OSError):
                hidden.unlink()
        self._settle()
        return True

    def state(self, name: str) -> State | None:
        """Where the message is; None if it is in no folder (any more).

        The outbox comes first: what moves while we look is then found where it moved to.
        """
        folders = ((self.outbox, State.WAITING), (self.sent, State.SENT), (self.errors, State.FAILED))
        try:
            for folder, state in folders:
                if _exists(folder / name):
                    return state
        except OSError as error:
            raise _fault(error) from None
        return None

    def standstill(self, now: float) -> float:
        """Seconds for which messages have waited and none has left; 0 if none waits. `now`: Unix time."""
        try:
            with os.scandir(self.outbox) as entries:
                waiting = [written for entry in entries for written in _waiting_since(entry)]
            # A folder's time is that of the last file that came into it (or that somebody cleared away).
            moved = max(folder.stat().st_mtime for folder in (self.sent, self.errors))
        except OSError as error:
            raise _fault(error) from None
        return max(0.0, now - max(min(waiting), moved)) if waiting else 0.0

    def try_writing(self) -> None:
        """Write and remove a file that the daemon does not look at."""
        hidden = self.outbox / f".fallback-cast-probe-{os.getpid()}"
        try:
            _write(hidden, bytes(4096))
            for folder in (self.sent, self.errors):
                os.scandir(folder).close()  # without reading these nobody learns what became of a message
        except OSError as error:
            raise _fault(error) from None
        finally:
            with suppress(OSError):
                hidden.unlink()

    def _settle(self) -> None:
        """Let the message outlive a power cut. It may be on its way by now."""
        try:
            descriptor = os.open(self.outbox, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
        except OSError:
            raise OutcomeUnknown("the disk failed after the message was handed over") from None


def read_spool(configuration: Path) -> Spool:
    """The folders that the daemon's own configuration names. Raises AccessDenied if they are of no use."""
    parser = configparser.ConfigParser(strict=False, interpolation=None, allow_no_value=True)
    try:
        parser.read_string(configuration.read_text(errors="surrogateescape"))
    except OSError:
        raise AccessDenied("the configuration of Gammu SMSD cannot be read") from None
    except configparser.Error:
        raise AccessDenied("the configuration of Gammu SMSD is not in its usual form") from None
    section = next((name for name in parser.sections() if name.lower() == "smsd"), "DEFAULT")
    smsd = {key: value or "" for key, value in parser[section].items()}
    if smsd.get("service", "").lower() != "files":
        raise AccessDenied("Gammu SMSD keeps its messages in a database: this program wants service = files")
    folders = {name: _folder(smsd.get(key, ""), key) for name, key in _PATHS.items()}
    if len({folder.resolve() for folder in folders.values()}) < len(folders):
        raise AccessDenied(
            "Gammu SMSD needs three different folders: outboxpath, sentsmspath and errorsmspath"
        )
    return Spool(**folders)


def _folder(value: str, key: str) -> Path:
    """The daemon puts folder and file name together as they are: without the last / it looks elsewhere."""
    if not value:
        raise AccessDenied(Phrase("the configuration of Gammu SMSD names no {key}", key=key))
    if not (value.startswith("/") and value.endswith("/")):
        raise AccessDenied(Phrase("{key} of Gammu SMSD must begin and end with /", key=key))
    return Path(value)


def runs(configuration: Path, segments: Path = _SHARED_MEMORY) -> bool | None:
    """Whether a daemon with this configuration file lives on this machine; None if that cannot be seen.

    It keeps its state in a segment of shared memory whose key is made from the file; the kernel counts
    who holds it. After a kill -9 the segment stays, held by nobody: `gammu-smsd-monitor` still shows it.
    """
    try:
        file = configuration.stat()
        table = segments.read_text().splitlines()
    except OSError:
        return None
    key = 1 << 24 | (file.st_dev & 0xFF) << 16 | file.st_ino & 0xFFFF  # ftok(3), project 1
    rows = (line.split() for line in table[1:])
    return any(int(row[0]) == key and int(row[6]) > 0 for row in rows)


def _write(path: Path, content: bytes) -> None:
    """A new file that the daemon may read also if it is another user: it gets the folder's group."""
    with suppress(FileNotFoundError):
        path.unlink()
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with open(os.open(path, flags, _FILE_MODE), "wb") as file:
        try:
            os.fchown(file.fileno(), -1, path.parent.stat().st_gid)
        except PermissionError:
            raise AccessDenied("the outbox belongs to a group that this account is not in") from None
        os.fchmod(file.fileno(), _FILE_MODE)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _exists(path: Path) -> bool:
    try:
        path.lstat()
    except FileNotFoundError:
        return False
    return True


def _waiting_since(entry: os.DirEntry[str]) -> Iterator[float]:
    name = entry.name.lower()
    if name.startswith("out") and name.rpartition(".")[2].startswith(("txt", "smsbackup")):
        with suppress(FileNotFoundError):  # gone since: sent
            yield entry.stat(follow_symlinks=False).st_mtime


# What a person has to mend; everything else may pass by itself.
_SETTINGS = {
    errno.ENOENT: "the folder does not exist",
    errno.ENOTDIR: "the path is not a folder",
    errno.EACCES: "no right to write in the folder",
    errno.EPERM: "no right to write in the folder",
    errno.EROFS: "the folder is on a read-only disk",
}
_PASSING = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EIO: "the disk fails",
}


def _fault(error: OSError) -> SendError:
    code = error.errno or 0
    if code in _SETTINGS:
        return AccessDenied(_SETTINGS[code])
    return Unavailable(
        _PASSING.get(code) or f"writing fails ({errno.errorcode.get(code, 'no reason given')})"
    )
