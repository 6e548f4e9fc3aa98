"""Postfix's smtp-sink: takes mail faster than anybody can send it, without TLS or login. For load."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.counterparts import require
from tests.counterparts.netns import Namespace
from tests.counterparts.ports import HOST, answers, free_port
from tests.counterparts.processes import Daemon, wait_for


@dataclass(frozen=True)
class SmtpSink:
    host: str
    port: int
    directory: Path
    daemon: Daemon

    def count(self) -> int:
        """Messages taken so far, each to its final dot."""
        counters = re.findall(rb"mesg=(\d+)", self.daemon.log.read_bytes())
        return int(counters[-1]) if counters else 0

    def mails(self, deadline: float = 5) -> list[bytes]:
        """The messages kept, each with X-Mail-Args and X-Rcpt-Args before its own headers.

        A message in transfer has a file already, which goes again if its sender hangs up before the final
        dot: so this waits until there are as many files as messages taken.
        """
        wait_for(lambda: len(self._files()) == self.count(), "the sink to end what it has in hand", deadline)
        return [file.read_bytes() for file in self._files()]

    def _files(self) -> list[Path]:
        return sorted(self.directory.joinpath("mails").iterdir())

    def wait_for_count(self, count: int, deadline: float = 20) -> None:
        wait_for(lambda: self.count() >= count, f"{count} mails in the sink", deadline)


@contextmanager
def smtp_sink(
    directory: Path, *, keep: bool = False, host: str = HOST, within: Namespace | None = None
) -> Iterator[SmtpSink]:
    """Only counts the mails unless asked to `keep` each as a file. `within` a namespace it has port 25."""
    port, mails = 25 if within else free_port(), directory / "mails"
    mails.mkdir(parents=True)
    account = ["-u", "root"] if os.geteuid() == 0 else []
    dump = ["-d", f"{mails}/%M."] if keep else []
    command = [require.program("smtp-sink"), "-c", *account, *dump, f"{host}:{port}", "1000"]

    def ready() -> bool:
        return within.listens(host, port) if within else answers(port)

    words = within.command(*command) if within else command
    with Daemon(words, directory / "log", ready).running() as daemon:
        yield SmtpSink(host, port, directory, daemon)
