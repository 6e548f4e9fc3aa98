"""A club on disk: its settings file, and its members in the ledger."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.loads.text import SENDER, address
from fallback_cast.ledger.members import Member, replace_members
from fallback_cast.settings import Settings, load_settings
from fallback_cast.wiring.app import App

HEAD = """\
[club]
name = "Example club"
language = "en"
timezone = "UTC"

[ledger]
url = "sqlite:///ledger.db"
"""


def telegram_table(name: str, url: str, chat: str = "", timeout: str = "15s") -> str:
    place = f'chat = "{chat}"\n' if chat else ""
    return f"""
[[channel]]
name = "{name}"
kind = "telegram"
token = "1:benchmark"
base_url = "{url}"
failure_domains = ["{name}"]
timeout = "{timeout}"
{place}"""


def webhook_table(name: str, url: str) -> str:
    return f"""
[[channel]]
name = "{name}"
kind = "webhook"
url = "{url}"
secret = "whsec_YmVuY2htYXJrLWJlbmNobWFyay0xMjM0"
failure_domains = ["{name}"]
"""


def email_table(host: str, port: int, connections: int) -> str:
    return f"""
[[channel]]
name = "email"
kind = "email"
sender = "Example club <{SENDER}>"
[[channel.relay]]
host = "{host}"
port = {port}
security = "none"
rate = 1000000.0
max_connections = {connections}
"""


def write_settings(folder: Path, tables: Sequence[str]) -> Path:
    path = folder / "channels.toml"
    path.write_text(HEAD + "".join(tables))
    path.chmod(0o600)
    return path


def settings_of(path: Path) -> Settings:
    return load_settings(path, {})


def enrol(app: App, count: int, channels: Sequence[str]) -> None:
    """Members with an address of their own on each of these channels."""
    kinds = {name: app.channels[name].kind for name in channels}  # built before the ledger is written to

    def members() -> Iterator[Member]:
        for number in range(1, count + 1):
            addresses = {
                name: address(number) if kinds[name] == "email" else str(number) for name in channels
            }
            yield Member(f"Member {number}", addresses)

    replace_members(app.ledger, members(), datetime.now(UTC))
