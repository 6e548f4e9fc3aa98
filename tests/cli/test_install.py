"""`health --install`: what runs the check by the clock; shown first, written after a yes."""

from __future__ import annotations

import json
import os
import pty
import shlex
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from fallback_cast.cli.install_files import MARK, Plan, cron_line, service, timer
from tests.cli.test_commands import settings
from tests.counterparts import require

COMMAND = (
    sys.executable,
    "-m",
    "fallback_cast.cli",
    "health",
    "--config",
    "/srv/l'été 100% $HOME/channels.toml",
)
CRONTAB = """#!/bin/sh
# Stands in for crontab(1): the user's own must not be touched by a test.
case "$1" in
  -l) [ -f "$CRON_FILE" ] && cat "$CRON_FILE" || { echo "no crontab for me" >&2; exit 1; } ;;
  -) cat > "$CRON_FILE" ;;
esac
"""


def plan(folder: Path, units: str = "system", minutes: int = 5) -> Plan:
    return Plan(
        command=(*COMMAND[:-1], str(folder / "channels.toml")),
        every=timedelta(minutes=minutes),
        base_dir=folder,
        writes=(folder, folder / "public"),
        club="Pétanque & amis 100%",
        units=units,  # type: ignore[arg-type]
        user="daemon",
        variables=("SMTP_PASSWORD",),
    )


@pytest.mark.parametrize("units", ["user", "system"])
@pytest.mark.parametrize("name", ["plain", 'l\'été 100% "fête" $HOME\\x'])
def test_systemd_finds_nothing_to_say_about_the_units(tmp_path: Path, units: str, name: str) -> None:
    analyze = require.program("systemd-analyze")
    folder = tmp_path / name
    (folder / "public").mkdir(parents=True)
    made = plan(folder, units)
    (tmp_path / "fallback-cast-health.service").write_text(service(made))
    (tmp_path / "fallback-cast-health.timer").write_text(timer(made))
    scope = ["--user"] if units == "user" else ["--system"]
    files = [str(tmp_path / f"fallback-cast-health.{kind}") for kind in ("service", "timer")]
    done = subprocess.run(
        [analyze, *scope, "--man=no", "verify", *files],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "XDG_RUNTIME_DIR": str(tmp_path)},
    )
    ours = [line for line in done.stderr.splitlines() if "fallback-cast" in line]
    assert ours == []
    assert done.returncode == 0, done.stderr


def test_a_mistake_in_a_unit_would_be_found(tmp_path: Path) -> None:
    """The test above can fail: systemd-analyze reads what we think it reads."""
    analyze = require.program("systemd-analyze")
    broken = tmp_path / "fallback-cast-health.service"
    broken.write_text(service(plan(tmp_path)).replace("ProtectHome=read-only", "ProtectHome=perhaps"))
    done = subprocess.run(
        [analyze, "--man=no", "verify", str(broken)], capture_output=True, text=True, check=False
    )
    assert "perhaps" in done.stderr


def test_a_system_unit_is_hardened_and_may_write_only_where_it_must(tmp_path: Path) -> None:
    lines = service(plan(Path("/srv/club"))).splitlines()
    assert "ProtectSystem=strict" in lines
    assert "PrivateTmp=yes" in lines
    assert "User=daemon" in lines
    assert [line for line in lines if line.startswith("ReadWritePaths=")] == [
        "ReadWritePaths=/srv/club",
        "ReadWritePaths=/srv/club/public",
    ]
    assert "Description=fallback-cast: look after the channels of Pétanque & amis 100%%" in lines
    assert any(line.startswith("# LoadCredential=") for line in lines)
    assert "# These settings read: SMTP_PASSWORD" in lines
    # A private /tmp would hide settings that stand there.
    assert "PrivateTmp=yes" not in service(plan(Path("/tmp/club")))


def test_a_user_s_unit_asks_for_nothing_its_manager_cannot_give(tmp_path: Path) -> None:
    text = service(plan(tmp_path, "user"))
    assert not any(word in text for word in ("ProtectSystem", "PrivateDevices", "User=", "network-online"))
    assert "NoNewPrivileges=yes" in text


@pytest.mark.parametrize(
    ("minutes", "when"),
    [(1, "* * * * *"), (5, "*/5 * * * *"), (60, "7 * * * *"), (360, "7 */6 * * *"), (1440, "7 6 * * *")],
)
def test_cron_runs_it_as_often(tmp_path: Path, minutes: int, when: str) -> None:
    assert cron_line(plan(tmp_path, minutes=minutes)).startswith(f"{when} {sys.executable} -m ")


def test_a_cron_line_survives_the_shell_and_cron_s_percent(tmp_path: Path) -> None:
    folder = tmp_path / "l'été 100% $HOME"
    line = cron_line(plan(folder))
    command = line.split(" ", 5)[5]
    assert "%" not in command.replace("\\%", "")
    words = shlex.split(command.replace("\\%", "%"), comments=True)
    assert words[: words.index(">/dev/null")] == list(plan(folder).command)


# -- the command ---------------------------------------------------------------------------------


def run(*arguments: str, cwd: Path, answer: str | None = None) -> subprocess.CompletedProcess[str]:
    """As a person at a terminal, if there is an answer; else as a script."""
    leader, follower = pty.openpty()
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("LC_", "LANG", "XDG_"))}
    environment |= {
        "HOME": str(cwd),
        "PATH": f"{cwd}:{os.environ['PATH']}",
        "CRON_FILE": str(cwd / "crontab.txt"),
        "SMTP_PASSWORD": "x",
    }
    if answer is not None:
        os.write(leader, f"{answer}\n".encode())
    done = subprocess.run(
        [sys.executable, "-m", "fallback_cast.cli", "health", "--install", *arguments],
        cwd=cwd,
        env=environment,
        stdin=follower if answer is not None else subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    os.close(leader)
    os.close(follower)
    return done


def units(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / ".config" / "systemd" / "user").glob("*"))


def test_a_person_sees_the_files_and_says_yes(tmp_path: Path) -> None:
    path = settings(tmp_path)
    done = run("--units", "user", cwd=tmp_path, answer="y")
    assert done.returncode == 0, done.stderr
    assert units(tmp_path) == ["fallback-cast-health.service", "fallback-cast-health.timer"]
    written = (tmp_path / ".config/systemd/user/fallback-cast-health.service").read_text()
    assert written in done.stdout
    assert (
        f"ExecStart={os.path.abspath(sys.executable)} -m fallback_cast.cli health --config {path}" in written
    )
    assert "systemctl --user daemon-reload" in done.stderr
    assert "enable-linger" in done.stderr


@pytest.mark.parametrize("answer", ["n", "", None])
def test_without_a_yes_nothing_is_written(tmp_path: Path, answer: str | None) -> None:
    settings(tmp_path)
    done = run("--units", "user", cwd=tmp_path, answer=answer)
    assert done.returncode == 2
    assert "[Timer]" in done.stdout
    assert "nothing was written" in done.stderr
    assert units(tmp_path) == []
    assert not (tmp_path / "crontab.txt").exists()


def test_a_script_says_yes_and_gets_json(tmp_path: Path) -> None:
    settings(tmp_path)
    done = run("--units", "user", "--every", "1h", "--yes", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert list(found) == ["folder", "files", "cron"]
    assert "OnUnitInactiveSec=3600s" in found["files"]["fallback-cast-health.timer"]
    assert len(units(tmp_path)) == 2


def test_secrets_from_the_environment_are_pointed_out(tmp_path: Path) -> None:
    extra = (
        '[[channel]]\nname = "email"\nkind = "email"\nsender = "Club <club@example.org>"\n'
        '[[channel.relay]]\nhost = "127.0.0.1"\nport = 9\nsecurity = "none"\nusername = "c"\n'
        'password = "env:SMTP_PASSWORD"\n'
    )
    settings(tmp_path, extra=extra)
    done = run("--units", "user", cwd=tmp_path)
    assert "SMTP_PASSWORD" in done.stderr


def test_the_crontab_is_written_only_when_asked_and_keeps_what_is_in_it(tmp_path: Path) -> None:
    settings(tmp_path)
    (tmp_path / "crontab").write_text(CRONTAB)
    (tmp_path / "crontab").chmod(0o755)
    table = tmp_path / "crontab.txt"
    assert run("--cron", cwd=tmp_path, answer="n").returncode == 2
    assert not table.exists()
    assert run("--cron", cwd=tmp_path, answer="y").returncode == 0
    table.write_text("0 3 * * * backup\n" + table.read_text())
    assert run("--cron", "--yes", "--every", "10m", cwd=tmp_path).returncode == 0
    lines = table.read_text().splitlines()
    assert lines[0] == "0 3 * * * backup"
    assert len(lines) == 2
    assert lines[1].startswith("*/10 * * * * ")
    assert lines[1].endswith(MARK)
    assert units(tmp_path) == []
