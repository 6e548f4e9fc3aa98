"""nginx: a sink that answers every request at once, for load, and the faults a real web server makes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.counterparts import require
from tests.counterparts.netns import Namespace
from tests.counterparts.ports import HOST, answers, free_port
from tests.counterparts.processes import Daemon, wait_for
from tests.counterparts.tls import Certificates


@dataclass(frozen=True)
class Nginx:
    """Paths: any other 200 with `{"ok": true}`; /503 with Retry-After; /429 beyond one request a second;
    /empty no answer at all; /502 nobody behind it; /504 somebody silent behind it; /wrong a strange page."""

    url: str
    tls_url: str
    ca_file: Path
    log: Path
    daemon: Daemon

    def paths(self) -> list[str]:
        """The path of every request answered, oldest first; nginx writes it just after its answer."""
        return self.log.read_text().splitlines()

    def wait_for_paths(self, count: int, deadline: float = 10) -> list[str]:
        return wait_for(
            lambda: found if len(found := self.paths()) >= count else None, f"{count} requests", deadline
        )


@contextmanager
def nginx(
    directory: Path,
    certificates: Certificates,
    *,
    silent_port: int = 9,
    host: str = HOST,
    port: int | None = None,
    within: Namespace | None = None,
) -> Iterator[Nginx]:
    """`within` a network namespace it stands at `host`; whoever is silent is on loopback all the same."""
    directory.joinpath("temporary").mkdir(parents=True)
    port, tls_port, log = port or free_port(), free_port(), directory / "requests.log"
    conf = directory / "nginx.conf"
    conf.write_text(_settings(directory, host, port, tls_port, certificates, silent_port))
    command = [require.program("nginx"), "-p", directory, "-c", conf, "-e", directory / "error.log"]

    def ready() -> bool:
        return within.listens(host, port) if within else answers(port)

    words = within.command(*command) if within else command
    with Daemon(words, directory / "output", ready).running() as daemon:
        yield Nginx(f"http://{host}:{port}", f"https://{host}:{tls_port}", certificates.ca_file, log, daemon)


def _settings(
    directory: Path, host: str, port: int, tls_port: int, certificates: Certificates, silent_port: int
) -> str:
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
  log_format path $request_uri;
  access_log {directory}/requests.log path;
  default_type application/json;
  keepalive_requests 1000000;
{temporary}
  limit_req_zone $binary_remote_addr zone=one:1m rate=1r/s;
  server {{
    listen {host}:{port} backlog=1024;
    listen {host}:{tls_port} ssl;
    ssl_certificate {certificates.good};
    ssl_certificate_key {certificates.good};
    location / {{ return 200 '{{"ok": true}}'; }}
    location = /503 {{ add_header Retry-After 30 always; return 503 "down"; }}
    location = /429 {{ limit_req zone=one; limit_req_status 429; try_files /none @ok; }}
    location @ok {{ return 200 '{{"ok": true}}'; }}
    location = /empty {{ return 444; }}
    location = /502 {{ proxy_pass http://{HOST}:9; }}
    location = /504 {{ proxy_read_timeout 1s; proxy_pass http://{HOST}:{silent_port}; }}
    location = /wrong {{ default_type text/html; return 200 "<h1>Welcome to nginx!</h1>"; }}
  }}
}}
"""
