"""WordPress on MariaDB, as a club has it: PHP's own web server, and a database that can be taken away."""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.counterparts import require
from tests.counterparts.ports import HOST, answers, free_port
from tests.counterparts.processes import Daemon, run

HERE = Path(__file__).parent
SHARED = Path("/usr/share/wordpress")
THEME = Path("wp-content/themes/twentytwentythree")


@dataclass(frozen=True)
class WordPress:
    """`passwords`: an application password for the account of each role (editor, author, contributor …)."""

    url: str
    html: Path
    database: Daemon
    web: Daemon
    passwords: Mapping[str, str] = field(repr=False)

    def posts(self, slug: str = "") -> list[dict[str, Any]]:
        """The posts whose short name begins so, as an editor sees them: drafts too, not the bin."""
        query = "status=any&context=edit&per_page=100"
        found: list[dict[str, Any]] = self.call("GET", f"posts?{query}")
        return [post for post in found if post["slug"].startswith(slug)]

    def call(self, method: str, path: str, body: object = None, role: str = "administrator") -> Any:
        """One REST request of the account of that role, as any other program makes it."""
        login = base64.b64encode(f"{role}:{self.passwords[role]}".encode()).decode()
        request = urllib.request.Request(
            f"{self.url}/wp-json/wp/v2/{path}",
            None if body is None else json.dumps(body).encode(),
            {"Authorization": f"Basic {login}", "Content-Type": "application/json"},
            method=method,
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.loads(answer.read())

    def page(self, path: str) -> str:
        """A page as a visitor gets it."""
        with urllib.request.urlopen(self.url + quote(path, safe="/?=&"), timeout=10) as answer:
            return str(answer.read().decode())

    @contextmanager
    def under_maintenance(self) -> Iterator[None]:
        """As while WordPress updates itself."""
        mark = self.html / ".maintenance"
        mark.write_text("<?php $upgrading = time();")
        try:
            yield
        finally:
            mark.unlink()

    @contextmanager
    def plugin(self, code: str) -> Iterator[None]:
        """With PHP of a plug-in."""
        folder = self.html / "wp-content" / "mu-plugins"
        folder.mkdir(exist_ok=True)
        file = folder / "test.php"
        file.write_text(f"<?php\n{code}\n")
        try:
            yield
        finally:
            file.unlink()


@contextmanager
def wordpress(directory: Path) -> Iterator[WordPress]:
    """`directory` must be open to the database's own user."""
    html = _site_in(directory)
    with ExitStack() as stack:
        database, address = _mariadb(directory)
        stack.enter_context(database.running())
        port = free_port()
        url = f"http://{HOST}:{port}"
        env = {"CLUB_DATABASE": address, "CLUB_URL": url, "PHP_CLI_SERVER_WORKERS": "4"}
        php = require.program("php")
        _create_database(directory)
        passwords = json.loads(
            run(["env", *(f"{k}={v}" for k, v in env.items()), php, HERE / "wordpress-install.php", html])
        )
        command = [php, "-S", f"{HOST}:{port}", "-t", html, HERE / "wordpress-router.php"]
        web = Daemon(command, directory / "php.log", lambda: answers(port), directory, env)
        stack.enter_context(web.running())
        yield WordPress(url, html, database, web, passwords)


def _site_in(directory: Path) -> Path:
    """A copy: Debian's WordPress is read only, and full of links to elsewhere."""
    if not (SHARED / "wp-load.php").is_file():
        require.missing("package wordpress")
    if not (SHARED / THEME).is_dir():
        require.missing("package wordpress-theme-twentytwentythree")
    html = directory / "html"
    shutil.copytree(SHARED, html, ignore_dangling_symlinks=True)
    shutil.copyfile(HERE / "wordpress-config.php", html / "wp-config.php")
    return html


def _mariadb(directory: Path) -> tuple[Daemon, str]:
    data = directory / "database"
    data.mkdir()
    if os.geteuid() == 0:
        shutil.chown(data, "mysql", "mysql")
    port = free_port()
    conf = directory / "mariadb.cnf"
    conf.write_text(_settings(data, port))
    who = ["--user=mysql"] if os.geteuid() == 0 else []
    install = require.program("mariadb-install-db")
    run(
        [
            install,
            f"--defaults-file={conf}",
            *who,
            "--auth-root-authentication-method=normal",
            "--skip-test-db",
        ]
    )
    command = [require.program("mariadbd"), f"--defaults-file={conf}", *who]
    return Daemon(command, directory / "mariadb.log", lambda: _greets(port)), f"{HOST}:{port}"


def _settings(data: Path, port: int) -> str:
    """Small and quick: nothing here must survive."""
    return f"""\
[mysqld]
datadir={data}
socket={data}/socket
pid-file={data}/pid
port={port}
bind-address={HOST}
innodb_buffer_pool_size=64M
innodb_flush_log_at_trx_commit=0
innodb_log_file_size=16M
skip-log-bin
"""


def _greets(port: int) -> bool:
    """MariaDB speaks first; its open port alone says little."""
    try:
        with socket.create_connection((HOST, port), timeout=1) as connection:
            return b"MariaDB" in connection.recv(512)
    except OSError:
        return False


def _create_database(directory: Path) -> None:
    words = (
        "CREATE DATABASE club CHARACTER SET utf8mb4; "
        "GRANT ALL ON club.* TO club@'127.0.0.1' IDENTIFIED BY 'club';"
    )
    run(
        [
            require.program("mariadb"),
            "--no-defaults",
            f"--socket={directory}/database/socket",
            "-u",
            "root",
            "-e",
            words,
        ]
    )
