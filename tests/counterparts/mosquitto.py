"""Mosquitto, an MQTT broker with a login, and a subscriber that keeps what it hears."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion

from tests.counterparts import require
from tests.counterparts.ports import HOST, free_port
from tests.counterparts.processes import Daemon, run, running, wait_for


@dataclass(frozen=True)
class Heard:
    topic: str
    text: str


@dataclass(frozen=True)
class Mosquitto:
    host: str
    port: int
    username: str
    password: str = field(repr=False)
    daemon: Daemon

    @contextmanager
    def listening(self, topic: str = "#") -> Iterator[list[Heard]]:
        """A list that grows with what is published inside the block."""
        heard: list[Heard] = []
        subscribed = threading.Event()
        client = Client(CallbackAPIVersion.VERSION2)
        client.username_pw_set(self.username, self.password)
        client.on_message = lambda client, data, message: heard.append(_heard(message))
        client.on_subscribe = lambda *arguments: subscribed.set()
        client.connect(self.host, self.port)
        client.subscribe(topic, qos=1)
        client.loop_start()
        try:
            if not subscribed.wait(5):
                raise TimeoutError("no answer to the subscription")
            yield heard
        finally:
            client.disconnect()
            client.loop_stop()


@contextmanager
def mosquitto(directory: Path) -> Iterator[Mosquitto]:
    directory.mkdir(parents=True, exist_ok=True)
    port, username, password = free_port(), "club", "pw-mqtt"
    users = directory / "users"
    run([require.program("mosquitto_passwd"), "-b", "-c", users, username, password])
    conf = directory / "mosquitto.conf"
    # Started by root it would otherwise become a user who cannot read this directory.
    conf.write_text(f"""\
listener {port} {HOST}
allow_anonymous false
password_file {users}
persistence false
user root
""")
    with running([require.program("mosquitto"), "-c", conf], directory / "log", port=port) as daemon:
        yield Mosquitto(HOST, port, username, password, daemon)


def wait_for_heard(heard: list[Heard], count: int = 1, deadline: float = 10) -> list[Heard]:
    return wait_for(lambda: heard if len(heard) >= count else None, f"{count} messages", deadline)


def _heard(message: MQTTMessage) -> Heard:
    return Heard(message.topic, message.payload.decode())
