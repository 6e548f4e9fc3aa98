"""A person at a terminal of their own: reads what is asked, and types an answer each time."""

from __future__ import annotations

import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

CTRL_C, CTRL_D = "\x03", "\x04"
ENTER = ""

# The terminal becomes the child's own by being opened by the leader of a new session.
_PROGRAM = (
    "import os; os.close(os.open(os.ttyname(0), os.O_RDWR)); from fallback_cast.cli.app import main; main()"
)
_QUESTION = re.compile(r"(:|\]|\) ?:?) $")
_STYLE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@dataclass(frozen=True)
class Seen:
    """What stood on the screen at the end, without colours, and how the program ended."""

    screen: str
    returncode: int


def sit_at(
    cwd: Path,
    arguments: Sequence[str],
    answers: Sequence[str],
    *,
    limit_s: float = 60,
    interrupt_when: str | None = None,
) -> Seen:
    """Run a command; one answer for each question. Fails if a question remains without an answer.

    `interrupt_when` types Ctrl-C once this is on the screen.
    """
    left, seen, answered = list(answers), "", 0
    leader, follower = pty.openpty()
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("LC_", "LANG"))}
    process = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, *arguments],
        cwd=cwd,
        env=environment | {"TERM": "xterm", "COLUMNS": "160"},
        stdin=follower,
        stdout=follower,
        stderr=follower,
        start_new_session=True,
    )
    os.close(follower)
    end_s = time.monotonic() + limit_s
    try:
        while time.monotonic() < end_s:
            ready, _, _ = select.select([leader], [], [], 0.1)
            if ready:
                try:
                    chunk = os.read(leader, 65536)
                except OSError:  # the other side is closed: Linux says EIO
                    break
                if not chunk:
                    break
                seen += chunk.decode(errors="replace")
                if interrupt_when and interrupt_when in seen:
                    interrupt_when = None
                    os.write(leader, CTRL_C.encode())
            elif _QUESTION.search(_STYLE.sub("", seen)) and len(seen) > answered:
                assert left, f"nobody knows an answer to: {seen[-300:]}"
                answer = left.pop(0)
                answered = len(seen)
                os.write(leader, (answer if answer in (CTRL_C, CTRL_D) else f"{answer}\n").encode())
        assert time.monotonic() < end_s, f"the program does not end: {seen[-500:]}"
    finally:
        if process.poll() is None and time.monotonic() >= end_s:
            process.send_signal(signal.SIGKILL)
        os.close(leader)
    assert not left, f"not asked any more: {left}; the screen: {seen[-500:]}"
    return Seen(_STYLE.sub("", seen).replace("\r\n", "\n"), process.wait(10))
