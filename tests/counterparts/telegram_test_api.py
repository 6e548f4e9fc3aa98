"""telegram-test-api from npm: somebody else's idea of a Bot API server, to check ours against.

It is lenient (any token, no limits, no refusals); for a strict one write the answers with `http_faults`.
"""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.counterparts import require
from tests.counterparts.ports import HOST, free_port
from tests.counterparts.processes import Daemon, running

START = """
const [folder, host, port] = process.argv.slice(1);
new (require(folder))({host, port: Number(port), storeTimeout: 3600}).start();
"""


@dataclass(frozen=True)
class TelegramTestApi:
    """`url` stands in for https://api.telegram.org; bot methods are at `{url}/bot{token}/{method}`."""

    url: str
    token: str = field(repr=False)
    daemon: Daemon

    def call(self, method: str, **parameters: Any) -> Any:
        return self._post(f"/bot{self.token}/{method}", parameters)

    def messages(self, chat_id: int | str | None = None) -> list[dict[str, Any]]:
        """What the bot has sent, oldest first, as the bot wrote it; edits are already applied."""
        history = self._post("/getUpdatesHistory", {"token": self.token})["result"]
        sent = [
            entry["message"] | {"message_id": entry["messageId"]} for entry in history if "message" in entry
        ]
        return [message for message in sent if chat_id is None or str(message.get("chat_id")) == str(chat_id)]

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        data = json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, {"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=5) as answer:
            return json.load(answer)


@contextmanager
def telegram_test_api(directory: Path) -> Iterator[TelegramTestApi]:
    directory.mkdir(parents=True, exist_ok=True)
    port = free_port()
    command = [require.program("node"), "-e", START, require.node_package("telegram-test-api"), HOST, port]
    with running(command, directory / "log", port=port) as daemon:
        yield TelegramTestApi(
            f"http://{HOST}:{port}", "123456789:AAtesttesttesttesttesttesttesttestt", daemon
        )
