"""Start-up: whole commands from start to exit, in turns, against a bare typer twin and apprise."""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from benchmarks.failover.names import UNKNOWN, Resolvers, resolvers
from benchmarks.failover.states import receiver
from benchmarks.loads import club
from benchmarks.loads.text import BODY, TITLE
from benchmarks.report import Report, Target
from benchmarks.rounds import ROOT, surroundings
from fallback_cast.wiring.app import open_app

TURNS = 4  # runs of each command in one round: they are short
DEADLINE_S = 3.0
PROBE_BUDGET_S = 1.0  # of an urgent announcement, design §4

BARE_HELP, HELP = "bare typer, the same options: --help", "fallback-cast --help"
STATUS, SEND = "fallback-cast status", "fallback-cast send, one HTTP channel"
APPRISE = "apprise -b x json://…"
SEND_TWO = "fallback-cast send -i urgent, two HTTP channels"
SEND_NAMELESS = "the same, name server of the first silent"
SEND_DEADLINE = f"fallback-cast send --timeout {DEADLINE_S:.0f}s, name server of the only channel silent"

_WRITE_TWIN = """
import sys
sys.path.insert(0, {root!r})
from benchmarks.startup.bare import source
from fallback_cast.cli.app import app
print(source(app))
"""


@dataclass
class Command:
    name: str
    words: Sequence[object]
    folder: Path
    exits: Sequence[int] = (0,)
    ledger: bytes = b""  # as it is before every run: no outage is known, nothing has piled up
    seconds: list[float] = field(default_factory=list)

    @property
    def median_s(self) -> float:
        return median(self.seconds)

    def run(self) -> str:
        if self.ledger:
            for left in self.folder.glob("ledger.db*"):
                left.unlink()
            (self.folder / "ledger.db").write_bytes(self.ledger)
        started = time.perf_counter()
        done = subprocess.run(
            [str(word) for word in self.words],
            cwd=self.folder,
            env=surroundings(LC_ALL="C", FALLBACK_CAST_LANG="en", COLUMNS="100"),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        self.seconds.append(time.perf_counter() - started)
        if done.returncode not in self.exits:
            raise RuntimeError(f"{self.name} ended with {done.returncode}: {done.stderr[-2000:]}")
        return done.stdout


def bench(quick: bool, rounds: int) -> Report:
    report = Report("Start-up", "python -m benchmarks startup")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="benchmark-")))
        found = stack.enter_context(resolvers())
        url = stack.enter_context(receiver()).url
        commands = prepare(folder, url, found)
        compete(list(commands.values()), rounds * (1 if quick else TURNS))
    if found.missing:
        report.missing.append(f"sends with a silent name server: {found.missing}")
    report.targets += _targets(commands)
    report.lines += _table(commands)
    return report


def prepare(folder: Path, url: str, found: Resolvers) -> dict[str, Command]:
    """Clubs and scripts in `folder`. Raises RuntimeError if the twin's help is not ours to the letter."""
    help_, twin = help_commands(folder)
    ours = help_.words[:-1]
    one = _club(folder / "one", [url])
    two = _club(folder / "two", [url, url])
    send = ("send", "--again", "-t", TITLE, "-b", BODY)
    commands = [
        Command("python -c pass", [sys.executable, "-c", "pass"], folder),
        twin,
        help_,
        Command(STATUS, [*ours, "status"], one),
        Command(SEND, [*ours, *send], one),
        Command(
            APPRISE,
            [Path(sys.executable).parent / "apprise", "-b", BODY, url.replace("http", "json", 1)],
            folder,
        ),
    ]
    if not found.missing:
        lost = f"http://{UNKNOWN}:8080"
        first_lost, all_lost = _club(folder / "first-lost", [lost, url]), _club(folder / "lost", [lost])
        urgent = (*ours, *send, "-i", "urgent")
        deadline = ("--timeout", f"{DEADLINE_S:.0f}s")
        commands += [
            Command(SEND_TWO, [*found.usual, *urgent], two),
            Command(SEND_NAMELESS, [*found.silent, *urgent], first_lost),
            Command(SEND_DEADLINE, [*found.silent, *urgent, *deadline], all_lost, exits=(5,)),
        ]
    Command("the announcement that status shows", [*ours, *send], one).run()
    for command in commands:
        if command.folder != folder:
            command.ledger = (command.folder / "ledger.db").read_bytes()
    _same_help(commands)
    return {command.name: command for command in commands}


def help_commands(folder: Path) -> tuple[Command, Command]:
    """Our `--help` and the bare twin's, the twin written in the language that the commands will speak."""
    ours, bare = folder / "ours", folder / "bare"
    ours.mkdir()
    bare.mkdir()
    written = Command("the twin", [sys.executable, "-c", _WRITE_TWIN.format(root=str(ROOT))], folder).run()
    (bare / "bare_twin.py").write_text(written)
    return (
        Command(HELP, [*_script(ours, "fallback_cast.cli.app"), "--help"], folder),
        Command(BARE_HELP, [*_script(bare, "bare_twin"), "--help"], folder),
    )


def _script(folder: Path, module: str) -> Sequence[object]:
    """Started as the installed command is: a file that imports the program, whose modules are compiled."""
    script = folder / "fallback-cast"
    script.write_text(f"from {module} import main\n\nmain()\n")
    return (sys.executable, script)


def _club(folder: Path, urls: Sequence[str]) -> Path:
    folder.mkdir()
    tables = [club.webhook_table(f"c{n}", f"{url}/{n}") for n, url in enumerate(urls)]
    with open_app(club.settings_of(club.write_settings(folder, tables))):
        return folder


def _same_help(commands: Sequence[Command]) -> None:
    """Also warms every command up: modules are compiled, and nothing of this is counted."""
    told = {}
    for command in commands:
        told[command.name] = command.run()
        command.seconds.clear()
    if told[BARE_HELP] != told[HELP]:
        raise RuntimeError("the bare twin does not show the same help")


def compete(commands: Sequence[Command], rounds: int) -> None:
    """Every command once a round, in another order each time."""
    for _ in range(rounds):
        for command in random.sample(commands, len(commands)):
            command.run()


def _targets(commands: Mapping[str, Command]) -> list[Target]:
    def ratio(mine: str, other: str) -> float:
        pairs = zip(commands[mine].seconds, commands[other].seconds, strict=True)
        return median(a / b for a, b in pairs)

    targets = [
        Target("--help ÷ bare typer with the same options", ratio(HELP, BARE_HELP), 1.3, False),
        Target("status ÷ one apprise -b", ratio(STATUS, APPRISE), 0.6, False),
        Target("send to one HTTP channel ÷ one apprise -b", ratio(SEND, APPRISE), 0.8, False),
    ]
    if SEND_NAMELESS in commands:
        over = commands[SEND_NAMELESS].median_s - commands[SEND_TWO].median_s
        targets += [
            Target(
                "send, name server silent, exit included: over healthy",
                over,
                PROBE_BUDGET_S + 0.5,
                False,
                "s",
            ),
            Target(
                f"send --timeout {DEADLINE_S:.0f}s, nothing but a silent name server, exit included",
                commands[SEND_DEADLINE].median_s,
                DEADLINE_S + 0.5,
                False,
                "s",
            ),
        ]
    return targets


def _table(commands: Mapping[str, Command]) -> list[str]:
    rows = [
        f"{len(next(iter(commands.values())).seconds)} runs of each, in turns; medians.",
        "",
        "| command | ÷ apprise | ms | fastest … slowest |",
        "|---|---|---|---|",
    ]
    for command in commands.values():
        ratio = command.median_s / commands[APPRISE].median_s
        spread = f"{min(command.seconds) * 1000:,.0f} … {max(command.seconds) * 1000:,.0f}"
        rows.append(f"| {command.name} | {ratio:.2f} | {command.median_s * 1000:,.0f} | {spread} |")
    return [*rows, ""]
