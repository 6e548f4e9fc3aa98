"""An HTTP server on loopback that misbehaves as the test says and remembers every request it was sent."""

from __future__ import annotations

import json as json_text
import select
import socket
import ssl
import struct
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.counterparts.netns import Namespace
from tests.counterparts.ports import HOST, blackhole, refused_port, silent_server

__all__ = [
    "Action",
    "HttpFaults",
    "Request",
    "blackhole",
    "cut_after_request",
    "cut_before_reading",
    "cut_in_body",
    "delayed",
    "drip",
    "hang",
    "http_faults",
    "http_faults_within",
    "nonsense",
    "redirect",
    "refused_port",
    "reply",
    "reset",
    "silent_server",
]


@dataclass(frozen=True)
class Request:
    """One request as it came over the wire; header names are in lower case, the last of equal ones wins."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query, keep_blank_values=True))

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))

    def json(self) -> Any:
        return json_text.loads(self.body)


@dataclass(frozen=True)
class Wire:
    """What an action may touch: the connection, and an event that is set when the server must end."""

    socket: socket.socket
    ending: threading.Event

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def pause(self, seconds: float) -> None:
        self.ending.wait(seconds)

    def reset(self) -> None:
        """Close so that the kernel says RST instead of FIN."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()


@dataclass(frozen=True)
class Action:
    """What happens to one request, and whether the connection may carry another one afterwards."""

    perform: Callable[[Wire], None]
    keep_alive: bool = False
    before_reading: bool = False


Script = Action | Callable[[Request], Action]


def reply(
    status: int = 200,
    body: bytes | str = b"",
    *,
    json: Any = None,
    headers: Mapping[str, str] | None = None,
    keep_alive: bool = True,
) -> Action:
    data = _response(status, body, json, headers, keep_alive)
    return Action(lambda wire: wire.send(data), keep_alive)


def redirect(to: str, status: int = 307) -> Action:
    return reply(status, headers={"Location": to})


def hang() -> Action:
    """Read the request, never answer, hold the line until the client or the server gives up."""
    return Action(_wait_for_the_end)


def cut_before_reading() -> Action:
    """Accept the connection and close it at once: the request cannot have been processed."""
    return Action(_do_nothing, before_reading=True)


def cut_after_request() -> Action:
    """Read the whole request and close without a word: it may have been processed."""
    return Action(_do_nothing)


def cut_in_body(status: int = 200, body: bytes | str = b"", *, after: int = 1, json: Any = None) -> Action:
    """Announce the whole body, send `after` bytes of it, close."""
    head, _, rest = _response(status, body, json, None, True).partition(b"\r\n\r\n")
    return Action(lambda wire: wire.send(head + b"\r\n\r\n" + rest[:after]))


def reset(*, before_reading: bool = False) -> Action:
    return Action(Wire.reset, before_reading=before_reading)


def nonsense(data: bytes = b"\x15\x03\x01\x00\x02\x02\x28 no HTTP at all \xff\xfe\r\n\r\n") -> Action:
    return Action(lambda wire: wire.send(data))


def drip(
    status: int = 200,
    body: bytes | str = b"",
    *,
    json: Any = None,
    headers: Mapping[str, str] | None = None,
    step: int = 1,
    every: float = 0.05,
) -> Action:
    """A right answer, `step` bytes at a time."""
    return Action(lambda wire: _drip(wire, _response(status, body, json, headers, False), step, every))


def delayed(seconds: float, action: Action) -> Action:
    def perform(wire: Wire) -> None:
        wire.pause(seconds)
        action.perform(wire)

    return replace(action, perform=perform)


@dataclass
class HttpFaults:
    """Scripts are used up in order, those of a path before the common ones; then `otherwise` answers."""

    host: str
    port: int
    scheme: str = "http"
    otherwise: Script = field(default_factory=reply)
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    _common: deque[Script] = field(default_factory=deque)
    _by_path: dict[str, deque[Script]] = field(default_factory=dict)
    _always: dict[str, Script] = field(default_factory=dict)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.host}:{self.port}"

    def next(self, *scripts: Script, path: str | None = None) -> None:
        """Use each script for one request, in this order."""
        queue = self._common if path is None else self._by_path.setdefault(path, deque())
        queue.extend(scripts)

    def always(self, script: Script, *, path: str | None = None) -> None:
        """Use this script whenever nothing is queued."""
        if path is None:
            self.otherwise = script
        else:
            self._always[path] = script

    def forget(self) -> None:
        """Back to the state of a new server: 200 and empty for everybody, nothing remembered."""
        self.requests.clear()
        self.connections = 0
        self.otherwise = reply()
        for scripts in (self._common, self._by_path, self._always):
            scripts.clear()

    def wait_for_requests(self, count: int, deadline: float = 10) -> list[Request]:
        with self._changed:
            if not self._changed.wait_for(lambda: len(self.requests) >= count, deadline):
                raise TimeoutError(f"{len(self.requests)} of {count} requests after {deadline} s")
        return list(self.requests)

    def take_before_reading(self) -> Action | None:
        """Such an action cannot know the path, so only the common queue and `otherwise` are looked at."""
        first = self._common[0] if self._common else self.otherwise
        if not isinstance(first, Action) or not first.before_reading:
            return None
        return self._take(self._common, self.otherwise)  # type: ignore[return-value]

    def take(self, request: Request) -> Action:
        with self._changed:
            self.requests.append(request)
            self._changed.notify_all()
        queue = self._by_path.get(request.path) or self._common
        script = self._take(queue, self._always.get(request.path, self.otherwise))
        return script if isinstance(script, Action) else script(request)

    @staticmethod
    def _take(queue: deque[Script], otherwise: Script) -> Script:
        try:
            return queue.popleft()
        except IndexError:
            return otherwise


@contextmanager
def http_faults(tls: ssl.SSLContext | None = None, host: str = HOST, port: int = 0) -> Iterator[HttpFaults]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, port), family=family, backlog=512) as listener:
        faults = HttpFaults(host, listener.getsockname()[1], "https" if tls else "http")
        server = _Server(listener, faults, tls)
        server.start()
        try:
            yield faults
        finally:
            server.end()


@contextmanager
def http_faults_within(
    namespace: Namespace, host: str, port: int, tls: ssl.SSLContext | None = None
) -> Iterator[HttpFaults]:
    """The same, standing in a network namespace."""
    with ExitStack() as stack:
        with namespace.entered():
            faults = stack.enter_context(http_faults(tls, host, port))
        yield faults


class _Server:
    """One thread accepts, one more serves each connection: no cleverness, since the faults are the point."""

    def __init__(self, listener: socket.socket, faults: HttpFaults, tls: ssl.SSLContext | None) -> None:
        self.listener, self.faults, self.tls = listener, faults, tls
        self.ending = threading.Event()
        self.lock = threading.Lock()
        self.open: dict[threading.Thread, socket.socket] = {}
        self.acceptor = threading.Thread(target=self._accept, daemon=True)

    def start(self) -> None:
        self.acceptor.start()

    def end(self) -> None:
        self.ending.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.acceptor.join(5)
        with self.lock:
            left = dict(self.open)
        for thread, connection in left.items():
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            thread.join(5)

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                self.faults.connections += 1
                thread = threading.Thread(target=self._serve, args=(connection,), daemon=True)
                with self.lock:
                    self.open[thread] = connection
                thread.start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            with connection, suppress(OSError):
                self._converse(connection)
        finally:
            with self.lock:
                self.open.pop(threading.current_thread(), None)

    def _converse(self, connection: socket.socket) -> None:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if early := self.faults.take_before_reading():
            early.perform(Wire(connection, self.ending))
            return
        if self.tls:
            connection = self.tls.wrap_socket(connection, server_side=True)
        with connection:
            while (request := _read_request(connection)) and self._answer(connection, request):
                pass

    def _answer(self, connection: socket.socket, request: Request) -> bool:
        action = self.faults.take(request)
        action.perform(Wire(connection, self.ending))
        return action.keep_alive and not self.ending.is_set()


def _response(
    status: int, body: bytes | str, json: Any, headers: Mapping[str, str] | None, keep_alive: bool
) -> bytes:
    content = json_text.dumps(json).encode() if json is not None else body
    content = content.encode() if isinstance(content, str) else content
    lines = {"Content-Length": str(len(content)), "Connection": "keep-alive" if keep_alive else "close"}
    if json is not None:
        lines["Content-Type"] = "application/json"
    lines |= headers or {}
    named = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    head = f"HTTP/1.1 {status} {_phrase(status)}\r\n{named}"
    return head.encode("latin-1") + b"\r\n" + content


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unheard Of"


def _do_nothing(wire: Wire) -> None:
    pass


def _wait_for_the_end(wire: Wire) -> None:
    while not wire.ending.is_set():
        readable, _, _ = select.select([wire.socket], [], [], 0.1)
        if readable and not wire.socket.recv(65536):
            break


def _drip(wire: Wire, data: bytes, step: int, every: float) -> None:
    for start in range(0, len(data), step):
        if wire.ending.is_set():
            break
        wire.send(data[start : start + step])
        wire.pause(every)


def _read_request(connection: socket.socket) -> Request | None:
    with connection.makefile("rb") as lines:
        words = lines.readline().decode("latin-1").split()
        if len(words) != 3:
            return None
        headers = _read_headers(lines)
        if headers.get("expect", "").lower() == "100-continue":
            connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        return Request(words[0], words[1], headers, _read_body(lines, headers))


def _read_headers(lines: Any) -> dict[str, str]:
    headers = {}
    while line := lines.readline().decode("latin-1").rstrip("\r\n"):
        name, _, value = line.partition(":")
        headers[name.strip().lower()] = value.strip()
    return headers


def _read_body(lines: Any, headers: Mapping[str, str]) -> bytes:
    if headers.get("transfer-encoding", "").lower() != "chunked":
        return bytes(lines.read(int(headers.get("content-length", "0"))))
    body = b""
    while size := int(lines.readline().split(b";")[0], 16):
        body += lines.read(size)
        lines.readline()
    _read_headers(lines)
    return body
