"""Sinks that answer at once and count what they got."""

from __future__ import annotations

import re
import shutil
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.counterparts.ports import HOST, free_port
from tests.counterparts.processes import running
from tests.counterparts.require import PLACES

ANSWER = '{"ok":true,"result":{"message_id":1,"chat":{"id":1}}}'


class Missing(Exception):
    """A program that a measurement needs is not on this machine."""


def program(name: str) -> str:
    found = shutil.which(name, path=PLACES)
    if found is None:
        raise Missing(f"{name} is not installed")
    return found


@dataclass(frozen=True)
class HttpSink:
    """nginx, one worker, no access log. Every request gets an answer of the Bot API's shape."""

    url: str

    def requests(self) -> int:
        """All requests so far, this one included."""
        with urllib.request.urlopen(f"{self.url}/nginx-status", timeout=5) as answer:
            text = answer.read().decode()
        handled = re.search(r"\n *\d+ \d+ (\d+)", text)
        assert handled is not None, text
        return int(handled[1])


@contextmanager
def http_sink(directory: Path) -> Iterator[HttpSink]:
    """Raises Missing without nginx."""
    directory.joinpath("temporary").mkdir(parents=True)
    port, conf = free_port(), directory / "nginx.conf"
    conf.write_text(_nginx_settings(directory, port))
    command = [program("nginx"), "-p", directory, "-c", conf, "-e", directory / "error.log"]
    with running(command, directory / "output", port=port):
        yield HttpSink(f"http://{HOST}:{port}")


def _nginx_settings(directory: Path, port: int) -> str:
    temporary = "".join(
        f"  {kind}_temp_path {directory}/temporary/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    return f"""\
daemon off;
pid {directory}/pid;
worker_processes 1;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  default_type application/json;
  keepalive_requests 100000000;
{temporary}
  server {{
    listen {HOST}:{port} backlog=1024;
    location = /nginx-status {{ stub_status; }}
    location / {{ return 200 '{ANSWER}'; }}
  }}
}}
"""
