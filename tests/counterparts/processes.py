"""Start a real server, wait until it answers, and end it: just this one, by its pid, and its own children."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tests.counterparts.ports import answers

T = TypeVar("T")


def wait_for(check: Callable[[], T | None], what: str, deadline: float = 20, every: float = 0.02) -> T:
    """The first true answer of `check`."""
    end = time.monotonic() + deadline
    while not (found := check()):
        if time.monotonic() > end:
            raise TimeoutError(f"waited {deadline} s for {what}")
        time.sleep(every)
    return found


@contextmanager
def public_directory() -> Iterator[Path]:
    """A directory that daemons of other users may enter (pytest's own are closed to them), with a short path:
    the path of a Unix socket has at most 107 bytes."""
    directory = Path(tempfile.mkdtemp(prefix="counterpart-"))
    directory.chmod(0o755)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def spawn(
    command: Sequence[object], log: Path, *, cwd: Path | None = None, env: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """In a session of its own, so that `end` reaches its children and nobody else."""
    with log.open("ab") as output:
        return subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env={**os.environ, **(env or {})},
            start_new_session=True,
        )


def end(process: subprocess.Popen[bytes], patience: float = 5) -> None:
    if process.poll() is not None:
        return
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGCONT)
        os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        kill(process)


def kill(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(5)


@dataclass
class Daemon:
    """A server in the foreground that a test may end, freeze and start again with the same command."""

    command: Sequence[object]
    log: Path
    ready: Callable[[], object]
    cwd: Path | None = None
    env: Mapping[str, str] | None = None
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self.process = spawn(self.command, self.log, cwd=self.cwd, env=self.env)
        wait_until_up(self.process, self.ready, self.log)

    def stop(self) -> None:
        if self.process:
            end(self.process)

    def kill(self) -> None:
        """As a power cut does it."""
        if self.process:
            kill(self.process)

    @contextmanager
    def down(self) -> Iterator[None]:
        self.stop()
        try:
            yield
        finally:
            self.start()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """The kernel still accepts connections, nobody answers them."""
        assert self.process
        os.killpg(self.process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(self.process.pid, signal.SIGCONT)

    @contextmanager
    def running(self) -> Iterator[Daemon]:
        try:
            self.start()
            yield self
        finally:
            self.stop()


@contextmanager
def running(command: Sequence[object], log: Path, *, port: int, cwd: Path | None = None) -> Iterator[Daemon]:
    """The server runs inside the block, which begins when its port is open."""
    with Daemon(command, log, lambda: answers(port), cwd).running() as daemon:
        yield daemon


def wait_until_up(
    process: subprocess.Popen[bytes], ready: Callable[[], object], log: Path, deadline: float = 30
) -> None:
    def up() -> bool:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended with {process.returncode}: {tail(log)}")
        return bool(ready())

    try:
        wait_for(up, repr(process.args), deadline)
    except TimeoutError as error:
        raise TimeoutError(f"{error}: {tail(log)}") from None


def tail(log: Path, size: int = 2000) -> str:
    return log.read_text(errors="replace")[-size:] if log.exists() else "(no log)"


def run(command: Sequence[object], *, cwd: Path | None = None, stdin: str = "") -> str:
    """A short command that must succeed; its words are in the error if it does not."""
    words = [str(part) for part in command]
    done = subprocess.run(words, input=stdin, capture_output=True, text=True, timeout=60, cwd=cwd)
    if done.returncode:
        raise RuntimeError(f"{' '.join(words)} ended with {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout
