"""Synapse, a real Matrix homeserver with two users: alice, the club's bot, and bob, who reads.

Rate limits are lifted unless asked for; there is no federation, no key server, and nothing but loopback.
"""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import yaml

from tests.counterparts import require
from tests.counterparts.ports import HOST, free_port
from tests.counterparts.processes import Daemon, run, wait_for

SERVER_NAME = "matrix.test"
# One device for ever: Synapse recognises a repeated transaction id per device, not per user.
DEVICE_ID = "FALLBACKCAST"
UNLIMITED = {"per_second": 100_000, "burst_count": 100_000}


class MatrixError(Exception):
    """Synapse said no; `status`, `errcode` and the whole `body` tell why."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        super().__init__(f"{status} {body.get('errcode')}: {body.get('error')}")
        self.status, self.body, self.errcode = status, body, body.get("errcode")


@dataclass(frozen=True)
class User:
    user_id: str
    password: str = field(repr=False)
    device_id: str
    token: str = field(repr=False)


@dataclass(frozen=True)
class Synapse:
    url: str
    server_name: str
    alice: User
    bob: User
    daemon: Daemon

    def call(
        self, method: str, path: str, body: dict[str, Any] | None = None, user: User | None = None
    ) -> Any:
        """`path` follows `/_matrix/client/v3`; alice asks unless said otherwise."""
        return _call(self.url, method, path, body, (user or self.alice).token)

    def login(self, user: User, device_id: str | None = None) -> User:
        """A new token, on the user's own device or on another one."""
        return _login(self.url, user.user_id, user.password, device_id or user.device_id)

    def create_room(self, *, joined: bool = True, version: str | None = None, **options: Any) -> str:
        """A room of alice's; bob is invited and, unless told otherwise, has joined."""
        body = {"preset": "private_chat", "invite": [self.bob.user_id], **options}
        room = str(
            self.call("POST", "/createRoom", body | ({"room_version": version} if version else {}))["room_id"]
        )
        if joined:
            self.join(room, self.bob)
        return room

    def join(self, room: str, user: User) -> None:
        self.call("POST", f"/join/{quote(room)}", {}, user)

    def leave(self, room: str, user: User) -> None:
        self.call("POST", f"/rooms/{quote(room)}/leave", {}, user)

    def send(self, room: str, text: str, transaction: str) -> str:
        """As alice, for a room that needs a history; gives the event id."""
        path = f"/rooms/{quote(room)}/send/m.room.message/{quote(transaction)}"
        return str(self.call("PUT", path, {"msgtype": "m.text", "body": text})["event_id"])

    def events(self, room: str, user: User | None = None) -> list[dict[str, Any]]:
        """Messages as bob sees them, oldest first, whole events."""
        path = f"/rooms/{quote(room)}/messages?dir=b&limit=500"
        chunk = self.call("GET", path, None, user or self.bob)["chunk"]
        return [event for event in reversed(chunk) if event["type"] == "m.room.message"]

    def messages(self, room: str) -> list[str]:
        return [event["content"].get("body", "") for event in self.events(room)]


@contextmanager
def synapse(directory: Path, *, limited: bool = False) -> Iterator[Synapse]:
    """With `limited`, a user may send two messages at once and then one every two seconds."""
    python = require.installed("synapse", "bin", "python")
    port = free_port()
    url = f"http://{HOST}:{port}"
    _configure(directory, python, port, limited)
    command = [python, "-m", "synapse.app.homeserver", "-c", directory / "homeserver.yaml"]
    with Daemon(command, directory / "log", lambda: _healthy(url), cwd=directory).running() as daemon:
        alice = _register(directory, url, "alice", DEVICE_ID)
        bob = _register(directory, url, "bob", "PHONE")
        yield Synapse(url, SERVER_NAME, alice, bob, daemon)


def _healthy(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/health", timeout=1) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _configure(directory: Path, python: Path, port: int, limited: bool) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    settings = directory / "homeserver.yaml"
    generate = [python, "-m", "synapse.app.homeserver", "--generate-config", "--report-stats=no"]
    where = ["--server-name", SERVER_NAME, "--config-path", settings, "--data-directory", directory]
    run([*generate, *where], cwd=directory)
    generated = yaml.safe_load(settings.read_text())
    settings.write_text(yaml.safe_dump(generated | _settings(port) | _limits(limited)))
    Path(generated["log_config"]).write_text(yaml.safe_dump(_LOGGING))


def _settings(port: int) -> dict[str, Any]:
    listener = {"port": port, "bind_addresses": [HOST], "type": "http", "tls": False, "x_forwarded": False}
    return {
        "listeners": [listener | {"resources": [{"names": ["client"], "compress": False}]}],
        "trusted_key_servers": [],
        "suppress_key_server_warning": True,
        "federation_domain_whitelist": [],
        "url_preview_enabled": False,
        "presence": {"enabled": False},
        "bcrypt_rounds": 4,
    }


def _limits(limited: bool) -> dict[str, Any]:
    names = ("rc_message", "rc_registration", "rc_admin_redaction", "rc_joins_per_room", "rc_room_creation")
    return {
        **dict.fromkeys(names, UNLIMITED),
        "rc_login": dict.fromkeys(("address", "account", "failed_attempts"), UNLIMITED),
        "rc_joins": dict.fromkeys(("local", "remote"), UNLIMITED),
        "rc_invites": dict.fromkeys(("per_room", "per_user", "per_issuer"), UNLIMITED),
        **({"rc_message": {"per_second": 0.5, "burst_count": 2}} if limited else {}),
    }


# The generated one writes a file into the current directory.
_LOGGING = {
    "version": 1,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"level": "WARNING", "handlers": ["console"]},
    "disable_existing_loggers": False,
}


def _register(directory: Path, url: str, name: str, device_id: str) -> User:
    program = require.installed("synapse", "bin", "register_new_matrix_user")
    password = f"pw-{name}"
    run([program, "-u", name, "-p", password, "--no-admin", "-c", directory / "homeserver.yaml", url])
    return wait_for(lambda: _login(url, f"@{name}:{SERVER_NAME}", password, device_id), f"login of {name}")


def _login(url: str, user_id: str, password: str, device_id: str) -> User:
    body = {
        "type": "m.login.password",
        "identifier": {"type": "m.id.user", "user": user_id},
        "password": password,
        "device_id": device_id,
    }
    answer = _call(url, "POST", "/login", body, None)
    return User(user_id, password, device_id, answer["access_token"])


def _call(url: str, method: str, path: str, body: dict[str, Any] | None, token: str | None) -> Any:
    request = urllib.request.Request(f"{url}/_matrix/client/v3{path}", method=method)
    request.data = None if body is None else json.dumps(body).encode()
    request.add_header("Content-Type", "application/json")
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            raise MatrixError(error.code, json.loads(error.read() or b"{}")) from None
