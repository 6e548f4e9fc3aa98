"""What a test sees of its own process: sockets left open, and every word that is logged."""

from __future__ import annotations

import asyncio
import logging
import os
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


async def settled(before: set[str]) -> None:
    """Transports close in a later turn of the loop; wait for that, and no longer than a second."""
    deadline = time.monotonic() + 1
    while (left := _left_open(before)) and time.monotonic() < deadline:  # noqa: ASYNC110  nobody tells
        await asyncio.sleep(0.01)
    assert not left, f"sockets left open after close(): {sorted(left)}"


def _left_open(before: set[str]) -> set[str]:
    left = open_sockets() - before
    return left - _server_ends() if left else left


def open_sockets() -> set[str]:
    """This process's sockets by inode; empty where the system does not show them."""
    found = set()
    with suppress(OSError):
        for entry in os.listdir("/proc/self/fd"):
            with suppress(OSError):
                target = os.readlink(f"/proc/self/fd/{entry}")
                if target.startswith("socket:"):
                    found.add(target[len("socket:[") : -1])
    return found


def _server_ends() -> set[str]:
    """Inodes of TCP sockets whose own port is one that somebody listens on (proc_net_tcp)."""
    rows = []
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with suppress(OSError):
            rows += [line.split() for line in Path(table).read_text().splitlines()[1:]]
    port = {row[9]: row[1].rpartition(":")[2] for row in rows}
    listened = {port[row[9]] for row in rows if row[3] == "0A"}
    return {inode for inode, own in port.items() if own in listened and inode != "0"}


class _Recorder(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@contextmanager
def logs() -> Iterator[list[logging.LogRecord]]:
    """Every record of every logger at DEBUG, also of those that do not propagate."""
    recorder = _Recorder()
    root = logging.getLogger()
    for name in ("httpx", "httpcore", "aiohttp", "aiohttp.client", "aiosmtplib", "apprise", "asyncio"):
        logging.getLogger(name)
    loggers = [root, *(v for v in root.manager.loggerDict.values() if isinstance(v, logging.Logger))]
    before = [(logger, logger.level) for logger in loggers]
    listened = [logger for logger in loggers if logger is root or not logger.propagate]
    for logger in loggers:
        logger.setLevel(logging.DEBUG)
    for logger in listened:
        logger.addHandler(recorder)
    try:
        yield recorder.records
    finally:
        for logger in listened:
            logger.removeHandler(recorder)
        for logger, level in before:
            logger.setLevel(level)


def text_of(record: logging.LogRecord) -> str:
    trace = "".join(traceback.format_exception(*record.exc_info)) if record.exc_info else ""
    return f"{record.name} {record.getMessage()} {record.args!r} {trace}"
