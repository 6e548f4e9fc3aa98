"""Gammu SMSD 1.42 with the dummy phone: a stick that takes every message, and a script that notes each."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.counterparts import require
from tests.counterparts.processes import Daemon, run, wait_for


@dataclass(frozen=True)
class Sms:
    """What the daemon gave to the phone, part by part."""

    to: str
    parts: tuple[str, ...]

    @property
    def text(self) -> str:
        return "".join(self.parts)


@dataclass(frozen=True)
class Gammu:
    """One daemon in the foreground. `daemon` may be stopped, killed and frozen."""

    directory: Path
    config: Path
    daemon: Daemon

    @property
    def outbox(self) -> Path:
        return self.directory / "outbox"

    @property
    def sent(self) -> Path:
        return self.directory / "sent"

    @property
    def errors(self) -> Path:
        return self.directory / "errors"

    def forget(self) -> None:
        for folder in (self.outbox, self.sent, self.errors):
            for path in folder.iterdir():
                path.unlink()
        self._notes.unlink(missing_ok=True)

    def handed_to_phone(self) -> list[Sms]:
        if not self._notes.exists():
            return []
        lines = (json.loads(line) for line in self._notes.read_text().splitlines())
        return [Sms(line[0]["number"], tuple(part["text"] for part in line)) for line in lines]

    def wait_for_sms(self, count: int = 1) -> list[Sms]:
        """Everything handed over so far, once it is so many; the script runs after the file has moved."""
        return wait_for(
            lambda: seen if len(seen := self.handed_to_phone()) >= count else None,
            f"{count} SMS at the phone",
        )

    def wait_until_empty(self) -> None:
        wait_for(lambda: not any(self.outbox.iterdir()), "an empty outbox")

    def inject(self, number: str, text: str) -> str:
        """Put in a message with the daemon's own tool; the content of its file."""
        run(
            [
                require.program("gammu-smsd-inject"),
                "-c",
                self.config,
                "TEXT",
                number,
                "-unicode",
                "-text",
                text,
            ]
        )
        [path] = self.outbox.glob("OUT*")
        return path.read_text()

    @property
    def _notes(self) -> Path:
        return self.directory / "notes.jsonl"


@contextmanager
def gammu(directory: Path) -> Iterator[Gammu]:
    config, script, log = directory / "gammu-smsdrc", directory / "onsent.py", directory / "smsd.log"
    command = [require.program("gammu-smsd"), "-c", config]

    def talks_to_phone() -> bool:
        # One log for all starts: the line of this one names its pid.
        line = f"gammu-smsd[{daemon.process.pid if daemon.process else 0}]: Starting phone communication"
        return log.exists() and line in log.read_text()

    daemon = Daemon(command, directory / "output.log", talks_to_phone)
    made = Gammu(directory, config, daemon)
    for folder in ("phone", "inbox", "outbox", "sent", "errors"):
        (directory / folder).mkdir(parents=True)
    script.write_text(_SCRIPT.format(notes=str(directory / "notes.jsonl")))
    script.chmod(0o755)
    config.write_text(_settings(directory, script))
    with daemon.running():
        yield made


_SCRIPT = """\
#!/usr/bin/env python3
import json, os
count = int(os.environ["SMS_MESSAGES"])
parts = [
    {{"number": os.environ[f"SMS_{{i}}_NUMBER"], "text": os.environ.get(f"SMS_{{i}}_TEXT", "")}}
    for i in range(1, count + 1)
]
with open({notes!r}, "a") as notes:
    notes.write(json.dumps(parts) + chr(10))
"""


def _settings(directory: Path, script: Path) -> str:
    # loopsleep is the pause between two messages; with 0 the daemon never rests.
    return f"""\
[gammu]
model = dummy
connection = none
device = {directory}/phone
gammucoding = utf8

[smsd]
service = files
logfile = {directory}/smsd.log
debuglevel = 1
inboxpath = {directory}/inbox/
outboxpath = {directory}/outbox/
sentsmspath = {directory}/sent/
errorsmspath = {directory}/errors/
commtimeout = 1
sendtimeout = 5
CheckSecurity = 0
CheckBattery = 0
StatusFrequency = 0
loopsleep = 1
runonsent = {script}
"""
