"""What `health --install` writes: a systemd service, its timer, and a cron line."""

from __future__ import annotations

import os
import re
import shlex
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Literal

UNIT = "fallback-cast-health"
MARK = "# fallback-cast health"  # how we know our own line in a crontab again


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What runs, how often, and for whom."""

    command: tuple[str, ...]
    every: timedelta
    base_dir: Path
    writes: tuple[Path, ...]  # folders it must be able to write in
    club: str
    units: Literal["user", "system"]
    user: str
    variables: tuple[str, ...]  # secrets that the settings read from the environment

    @property
    def folder(self) -> Path:
        if self.units == "system":
            return Path("/etc/systemd/system")
        config = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
        return Path(config) / "systemd" / "user"


def service(plan: Plan) -> str:
    """The systemd service. Hardened as far as its manager can: a user's own cannot hide file systems."""
    system = plan.units == "system"
    lines = ["[Unit]", f"Description=fallback-cast: look after the channels of {_escaped(plan.club)}"]
    if system:
        lines += ["Wants=network-online.target", "After=network-online.target"]
    lines += ["", "[Service]", "Type=oneshot"]
    if system:
        lines.append(f"User={plan.user}")
    lines += [
        f"WorkingDirectory={_escaped(str(plan.base_dir))}",
        "ExecStart=" + " ".join(_quoted(word.replace("$", "$$")) for word in plan.command),
        "# 1 is a warning, 3 unknown: the check itself was done. 2 is down, or settings to mend.",
        "SuccessExitStatus=1 3",
        "# It sends what is due; a long broadcast must not be cut.",
        "TimeoutStartSec=6h",
        "Nice=5",
        "",
        *_secrets(plan),
        "",
        *_hardening(plan),
    ]
    return "\n".join(lines) + "\n"


def _secrets(plan: Plan) -> list[str]:
    where = "/etc/fallback-cast" if plan.units == "system" else "%h/.config/fallback-cast"
    lines = [
        "# Secrets: in channels.toml write credential:smtp-password instead of env:SMTP_PASSWORD, and here",
        f"# LoadCredential=smtp-password:{where}/smtp-password",
        "# or keep env:NAME, and name a file with lines NAME=value that only its owner may read:",
        f"# EnvironmentFile={where}/secrets.env",
    ]
    if plan.variables:
        lines.append(f"# These settings read: {' '.join(plan.variables)}")
    return lines


_FOR_ALL = (
    "NoNewPrivileges=yes",
    "LockPersonality=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX AF_NETLINK",
    "SystemCallArchitectures=native",
    "SystemCallFilter=@system-service",
    "SystemCallErrorNumber=EPERM",
)
# These need namespaces, which a user's own service manager cannot give (systemd.exec(5), "Sandboxing").
_FOR_SYSTEM = (
    "CapabilityBoundingSet=",
    "PrivateDevices=yes",
    "PrivateTmp=yes",
    "ProtectClock=yes",
    "ProtectControlGroups=yes",
    "ProtectHostname=yes",
    "ProtectKernelLogs=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelTunables=yes",
    "ProtectProc=invisible",
    "RestrictNamespaces=yes",
    "ProtectSystem=strict",
    "ProtectHome=read-only",
)


def _hardening(plan: Plan) -> list[str]:
    lines = list(_FOR_ALL)
    if plan.units == "system":
        shared = any(str(path).startswith(("/tmp/", "/var/tmp/")) for path in (plan.base_dir, *plan.writes))  # noqa: S108
        lines += [line for line in _FOR_SYSTEM if not (shared and line == "PrivateTmp=yes")]
        lines += [f"ReadWritePaths={_quoted(str(folder))}" for folder in plan.writes]
    return lines


def timer(plan: Plan) -> str:
    seconds = int(plan.every.total_seconds())
    return "\n".join(
        [
            "[Unit]",
            "Description=fallback-cast: when to look after the channels",
            "",
            "[Timer]",
            "OnBootSec=2min",
            f"OnUnitInactiveSec={seconds}s",
            f"RandomizedDelaySec={min(30, seconds // 10)}s",
            "AccuracySec=5s",
            "",
            "[Install]",
            "WantedBy=timers.target",
            "",
        ]
    )


def cron_line(plan: Plan) -> str:
    """What is said on stderr (trouble) becomes cron's mail; the report itself does not."""
    minutes = int(plan.every.total_seconds() // 60)
    hours, offset = minutes // 60, 7  # not on the full hour, when everybody's jobs run
    when = f"*/{minutes} * * * *" if minutes < 60 else f"{offset} */{hours} * * *"
    if minutes == 1:
        when = "* * * * *"
    elif minutes in (60, 1440):
        when = f"{offset} * * * *" if minutes == 60 else f"{offset} 6 * * *"
    command = shlex.join(plan.command).replace("%", "\\%")  # crontab(5): a bare % ends the command
    return f"{when} {command} >/dev/null {MARK}"


def _quoted(word: str) -> str:
    """A word for ExecStart= and path lists (systemd.service(5), "Command lines")."""
    escaped = _escaped(word).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"' if re.search(r"[\s'\"\\;]", escaped) else escaped


def _escaped(text: str) -> str:
    """systemd reads % as the beginning of a specifier."""
    return text.replace("%", "%%")
