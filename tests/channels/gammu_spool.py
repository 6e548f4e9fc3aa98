"""The folders of Gammu SMSD in a temporary place, without the daemon: for the faults of a spool."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fallback_cast.model.errors import AccessDenied, SendError, Unavailable


@dataclass(frozen=True)
class SpoolFolders:
    base: Path

    @property
    def config(self) -> Path:
        return self.base / "gammu-smsdrc"

    @property
    def outbox(self) -> Path:
        return self.base / "outbox"

    @property
    def sent(self) -> Path:
        return self.base / "sent"

    @property
    def errors(self) -> Path:
        return self.base / "errors"

    @property
    def settings(self) -> dict[str, Any]:
        return {"kind": "gammu", "config": str(self.config), "daemon_here": False}

    def files(self) -> list[Path]:
        """Everything in the three folders, also what the daemon would not look at."""
        folders = (self.outbox, self.sent, self.errors)
        return sorted(path for folder in folders if folder.is_dir() for path in folder.iterdir())

    def leave_waiting(self, seconds: float) -> None:
        """An old message waits, and nothing has moved since."""
        waiting = self.outbox / "OUTC20261125_065612_00_+33639980019_sms0.smsbackup"
        waiting.write_text("")
        then = waiting.stat().st_mtime - seconds
        for path in (waiting, self.sent, self.errors):
            os.utime(path, (then, then))


def spool_folders(base: Path, **changes: str) -> SpoolFolders:
    """Three folders and a configuration in the daemon's manner, with some of its keys changed."""
    folders = SpoolFolders(base)
    for folder in (folders.outbox, folders.sent, folders.errors):
        folder.mkdir()
    keys = {
        "service": "files",
        "outboxpath": f"{folders.outbox}/",
        "sentsmspath": f"{folders.sent}/",
        "errorsmspath": f"{folders.errors}/",
    } | changes
    lines = [f"{key} = {value}" for key, value in keys.items() if value]
    folders.config.write_text(
        "\n".join(["; a comment", "[gammu]", "model = dummy", "", "[smsd]", *lines, ""])
    )
    return folders


CASES: Mapping[str, type[SendError] | None] = {
    "ok": None,
    "no_configuration": AccessDenied,
    "no_ini": AccessDenied,
    "database": AccessDenied,
    "no_outboxpath": AccessDenied,
    "no_last_slash": AccessDenied,
    "sent_is_outbox": AccessDenied,
    "no_folder": AccessDenied,
    "outbox_is_a_file": AccessDenied,
    "stuck": Unavailable,
}


@contextmanager
def scene(case: str, base: Path) -> Iterator[SpoolFolders]:
    outbox = f"{base}/outbox/"
    changes = {
        "database": {"service": "sql"},
        "no_outboxpath": {"outboxpath": ""},
        "no_last_slash": {"outboxpath": outbox.rstrip("/")},
        "sent_is_outbox": {"sentsmspath": outbox},
    }
    folders = spool_folders(base, **changes.get(case, {}))
    if case == "no_configuration":
        folders.config.unlink()
    elif case == "no_ini":
        folders.config.write_text("service = files\n")
    elif case in ("no_folder", "outbox_is_a_file"):
        folders.outbox.rmdir()
        if case == "outbox_is_a_file":
            folders.outbox.write_text("")
    elif case == "stuck":
        folders.leave_waiting(600)
    yield folders
