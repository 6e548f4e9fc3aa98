"""`health --install`: a systemd timer and a cron line that run `health`; shown first, then written."""

from __future__ import annotations

import os
import pwd
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from fallback_cast.cli.install_files import MARK, UNIT, Plan, cron_line, service, timer
from fallback_cast.cli.terminal import EXIT_OK, EXIT_USAGE, Terminal
from fallback_cast.model.duration import parse_duration
from fallback_cast.model.errors import UserError
from fallback_cast.model.texts import Phrase
from fallback_cast.settings import Settings
from fallback_cast.wiring.app import ledger_path

_FROM_ENVIRONMENT = re.compile(r"""["']env:([A-Za-z_][A-Za-z0-9_]*)["']""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What was given on the command line."""

    every: str
    units: str | None
    cron: bool
    yes: bool
    channels: Sequence[str]
    format: str
    output: Path | None


def run(terminal: Terminal, wish: Wish) -> int:
    settings = terminal.settings()
    plan = _plan(settings, wish)
    files = {f"{UNIT}.service": service(plan), f"{UNIT}.timer": timer(plan)}
    line = cron_line(plan)
    if terminal.json:
        terminal.object({"folder": str(plan.folder), "files": files, "cron": line})
    else:
        for name, text in files.items():
            terminal.print(f"[bold]{plan.folder / name}[/]")
            terminal.data(text)
        terminal.print(
            f"[bold]crontab[/] ({terminal.text('instead of the timer, where there is no systemd')})"
        )
        terminal.data(line)
    if plan.variables:
        terminal.say(
            "these settings read {names} from the environment, which a timer does not have: "
            "see LoadCredential and EnvironmentFile in the service",
            names=", ".join(plan.variables),
        )
    return _write_cron(terminal, wish, line) if wish.cron else _write_units(terminal, wish, plan, files)


def _write_units(terminal: Terminal, wish: Wish, plan: Plan, files: dict[str, str]) -> int:
    if not _agreed(terminal, wish, terminal.text("Write these two files? [y/N]")):
        return EXIT_USAGE
    from fallback_cast.cli.atomic import write_file

    try:
        plan.folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            Phrase("the folder cannot be made: {why}", why=error.strerror or ""),
            where=str(plan.folder),
            hint="run it as root for --units system, or use --units user",
        ) from None
    for name, text in files.items():
        write_file(plan.folder / name, text, "--install")
    control = "systemctl" if plan.units == "system" else "systemctl --user"
    terminal.say("written. Now run:")
    terminal.say("{line}", line=f"    {control} daemon-reload && {control} enable --now {UNIT}.timer")
    if plan.units == "user":
        terminal.say("so that it also runs while nobody is logged in:")
        terminal.say("{line}", line=f"    loginctl enable-linger {plan.user}")
    return EXIT_OK


def _write_cron(terminal: Terminal, wish: Wish, line: str) -> int:
    if not _agreed(terminal, wish, terminal.text("Write this line to your crontab? [y/N]")):
        return EXIT_USAGE
    kept = [old for old in _crontab() if not old.endswith(MARK)]
    _crontab("\n".join([*kept, line, ""]))
    terminal.say("written to your crontab")
    return EXIT_OK


def _crontab(new: str | None = None) -> list[str]:
    """Read the user's crontab, or replace it. Raises UserError."""
    try:
        done = subprocess.run(  # noqa: S603
            ["crontab", "-l" if new is None else "-"],  # noqa: S607 - the system's own, wherever it is
            input=new,
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
    except (OSError, subprocess.TimeoutExpired):
        raise UserError(
            "there is no working crontab command on this machine",
            hint="use the systemd timer, without --cron",
        ) from None
    if done.returncode and new is None and "no crontab" in done.stderr:
        return []
    if done.returncode:
        raise UserError("the crontab command refused", hint=done.stderr.strip()[:200])
    return done.stdout.splitlines()


def _agreed(terminal: Terminal, wish: Wish, question: str) -> bool:
    if wish.yes:
        return True
    if not (sys.stdin and sys.stdin.isatty()):
        terminal.say("nothing was written; add --yes to write it")
        return False
    print(question, end=" ", file=sys.stderr, flush=True)
    agreed = sys.stdin.readline().strip().lower() in ("y", "yes", "o", "oui")
    if not agreed:
        terminal.say("nothing was written")
    return agreed


def _plan(settings: Settings, wish: Wish) -> Plan:
    owner = pwd.getpwuid(settings.path.stat().st_uid).pw_name
    units = wish.units or ("system" if os.geteuid() == 0 else "user")
    if units not in ("user", "system"):
        raise UserError(
            Phrase("{text!r} is no kind of units", text=units), where="--units", hint="user or system"
        )
    config = settings.path.absolute()
    # The interpreter as it was called: a virtual environment's link leads to its packages.
    command = [os.path.abspath(sys.executable), "-m", "fallback_cast.cli", "health", "--config", str(config)]
    command += ["--format", wish.format] if wish.format != "text" else []
    command += ["--output", str(wish.output.absolute())] if wish.output else []
    return Plan(
        command=(*command, *wish.channels),
        every=_every(wish.every),
        base_dir=settings.base_dir.absolute(),
        writes=_writes(settings, wish.output),
        club=settings.club.name,
        units="system" if units == "system" else "user",
        user=owner,
        variables=tuple(sorted(set(_FROM_ENVIRONMENT.findall(config.read_text("utf-8"))))),
    )


def _every(text: str) -> timedelta:
    try:
        every = parse_duration(text)
    except ValueError as error:
        raise UserError(str(error), where="--every", hint="write for example 5m") from None
    minutes = every / timedelta(minutes=1)
    # What cron can say too: a part of an hour, or whole hours that divide a day.
    if minutes in (1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30) or (minutes / 60) in (1, 2, 3, 4, 6, 8, 12, 24):
        return every
    raise UserError(
        Phrase("{text} does not divide an hour or a day", text=text),
        where="--every",
        hint="5m, 10m, 30m, 1h or 6h",
    )


def _writes(settings: Settings, output: Path | None) -> tuple[Path, ...]:
    """The ledger's folder, the published ones, and that of the figures."""
    folders = [ledger_path(settings).parent]
    for channel in settings.channel:
        directory = getattr(channel, "directory", None)
        if isinstance(directory, Path):
            folders.append((settings.base_dir / directory).absolute())
    if output is not None:
        folders.append(output.absolute().parent)
    return tuple(dict.fromkeys(folders))
