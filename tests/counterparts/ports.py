"""Ports in every state a sender can meet: free, refusing, silent, and so full that connecting hangs."""

from __future__ import annotations

import random
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass

HOST = "127.0.0.1"
# Below the range from which Linux takes the near end of outgoing connections: those would steal a port
# between our choosing it and the server's binding it.
_RANGE = range(10_240, 32_000)
_given: set[int] = set()


def free_port() -> int:
    for _ in range(1000):
        port = random.choice(_RANGE)
        if port not in _given and _can_bind(port):
            _given.add(port)
            return port
    raise RuntimeError("no free port found")


def answers(port: int, host: str = HOST) -> bool:
    try:
        with socket.create_connection((host, port), timeout=1):
            return True
    except OSError:
        return False


def says(port: int, greeting: bytes, host: str = HOST) -> bool:
    """Whether a server that speaks first, as those of mail do, begins with these bytes."""
    try:
        with socket.create_connection((host, port), timeout=1) as connection:
            return connection.recv(512).startswith(greeting)
    except OSError:
        return False


@contextmanager
def refused_port() -> Iterator[int]:
    """A port bound but not listening: it refuses, and nobody else can take it meanwhile."""
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        yield taken.getsockname()[1]


@contextmanager
def blackhole() -> Iterator[int]:
    """A port whose queue of waiting connections is full: the kernel drops further ones, connecting hangs."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind((HOST, 0))
        listener.listen(0)
        port: int = listener.getsockname()[1]
        while _fill(port, stack):
            pass
        yield port


@dataclass(frozen=True)
class Silent:
    host: str
    port: int
    accepted: list[socket.socket]


@contextmanager
def silent_server() -> Iterator[Silent]:
    """Accepts every connection and never says a word."""
    with socket.create_server((HOST, 0)) as listener:
        silent = Silent(HOST, listener.getsockname()[1], [])
        thread = threading.Thread(target=_accept_all, args=(listener, silent.accepted), daemon=True)
        thread.start()
        try:
            yield silent
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(5)
            for connection in silent.accepted:
                connection.close()


def _can_bind(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _fill(port: int, stack: ExitStack) -> bool:
    filler = stack.enter_context(socket.socket())
    filler.settimeout(0.2)
    try:
        filler.connect((HOST, port))
    except TimeoutError:
        return False
    return True


def _accept_all(listener: socket.socket, accepted: list[socket.socket]) -> None:
    with suppress(OSError):
        while True:
            accepted.append(listener.accept()[0])
