"""Alertmanager, telling one webhook; it repeats what still fires every few seconds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.counterparts import require
from tests.counterparts.ports import HOST, free_port
from tests.counterparts.processes import Daemon

SETTINGS = """\
route: {{receiver: club, group_by: [alertname], group_wait: 100ms, group_interval: 1s, repeat_interval: 1s}}
receivers:
- name: club
  webhook_configs:
  - url: {url}
    send_resolved: true
    http_config: {{authorization: {{type: Bearer, credentials: {token}}}}}
"""


@dataclass(frozen=True)
class Alertmanager:
    url: str

    def alert(self, name: str, *, resolved: bool = False, **annotations: str) -> None:
        """What Prometheus would send."""
        wanted = {"labels": {"alertname": name}, "annotations": annotations}
        if resolved:
            wanted["endsAt"] = "2020-01-01T00:00:00Z"  # type: ignore[assignment]
        httpx.post(f"{self.url}/api/v2/alerts", json=[wanted]).raise_for_status()

    def told(self) -> int:
        """Notifications sent to the webhook so far, repetitions among them."""
        lines = httpx.get(f"{self.url}/metrics").text.splitlines()
        name = 'alertmanager_notifications_total{integration="webhook"}'
        return sum(int(float(line.rpartition(" ")[2])) for line in lines if line.startswith(name))


@contextmanager
def alertmanager(directory: Path, webhook: str, token: str) -> Iterator[Alertmanager]:
    directory.mkdir(parents=True, exist_ok=True)
    port = free_port()
    conf = directory / "alertmanager.yml"
    conf.write_text(SETTINGS.format(url=webhook, token=token))
    command = [
        require.program("prometheus-alertmanager"),
        f"--config.file={conf}",
        f"--storage.path={directory / 'data'}",
        f"--web.listen-address={HOST}:{port}",
        "--cluster.listen-address=",
    ]

    def ready() -> bool:
        try:
            return httpx.get(f"http://{HOST}:{port}/-/ready").is_success
        except httpx.TransportError:
            return False

    with Daemon(command, directory / "log", ready).running():
        yield Alertmanager(f"http://{HOST}:{port}")
