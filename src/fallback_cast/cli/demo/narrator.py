"""Tells the demo's story, act by act, in the language of the terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from fallback_cast.cli.demo import club
from fallback_cast.cli.demo.proof import Evidence, Promise
from fallback_cast.cli.demo.servers import Servers
from fallback_cast.cli.live import translate_reason
from fallback_cast.cli.show import print_status
from fallback_cast.cli.terminal import Terminal, own_name
from fallback_cast.dispatch.events import Event
from fallback_cast.wiring.app import App

WIDTH = 88  # longer lines are hard to read


class Narrator:
    """Everything but the result is talk, on stderr; with `--json` there is none."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._silent = terminal.json
        self._told_death = False

    # -- the acts ------------------------------------------------------------------------------

    def opening(self) -> None:
        text = self._terminal.text
        self._tell(
            text(
                "On 4 October 2021 Facebook, Messenger, WhatsApp and Instagram were gone for six hours, and "
                "other messengers buckled under the rush. Clubs whose only news channel was a page there "
                "reached nobody."
            )
        )
        self._tell(
            text(
                "Here is such a day with fallback-cast. All servers run on this computer, for a few seconds; "
                "nothing leaves it, and the members are invented."
            ),
            style="dim",
        )

    def cast(self, app: App) -> None:
        """The club, its channels in rank order, and how many members each could reach."""
        text = self._terminal.text
        self._act(text("1. The club"))
        self._tell(
            text(
                "{count} members. Two have a wrong address, one has none, one has blocked the club on "
                "Telegram, two share a mailbox. The channels in their order:",
                count=club.MEMBERS,
            )
        )
        listed = [addresses for n in range(1, club.MEMBERS + 1) for addresses in club.addresses(n)]
        rows = []
        for name, channel in app.channels.items():
            everybody = text("a page of our own: always, and first")
            rows.append((name, everybody if channel.always else _members(text, listed.count(name))))
        self._rows(rows, style="bold")

    def broadcast(self, code: str, title: str) -> None:
        text = self._terminal.text
        self._act(text("2. The announcement"))
        self._tell(text("“{title}”: urgent, with the code {code} to check it by.", title=title, code=code))
        self._tell(text("Of each kind of news the first one is told."), style="dim")

    def listening(self, listen: Callable[[Event], None], servers: Servers) -> Callable[[Event], None]:
        """Hears what the dispatcher tells, and says a word when the platform has died."""

        def hear(event: Event) -> None:
            if servers.died_at is not None and not self._told_death:
                self._told_death = True
                self._tell(
                    self._terminal.text("At this moment Telegram goes down, and stays down."),
                    style="bold red",
                )
            listen(event)

        return hear

    def result(self, app: App, found: Mapping[str, Any]) -> None:
        self._act(self._terminal.text("3. The result"))
        print_status(self._terminal, app, found)
        self._tell(self._terminal.text("The site counts as one more recipient."), style="dim")

    def unreached(self, seen: Evidence) -> None:
        text = self._terminal.text
        missed = [view for view in seen.views.values() if view.state != "reached"]
        if missed:
            self._tell(text("To be telephoned:"), above=1)
        for view in missed:
            reasons = translate_reason(self._terminal, "; ".join(view.reasons))
            self._rows([("[ ]", text("{head}: {rest}", head=view.recipient, rest=reasons))])

    def figures(self, seen: Evidence, elapsed_s: float) -> None:
        text, switch_s = self._terminal.text, seen.longest_switch_s()
        if switch_s is not None:
            self._tell(
                text(
                    "{seconds} s after Telegram had gone, those who were waiting for it had the message by "
                    "email or SMS.",
                    seconds=self._seconds(switch_s),
                ),
                above=1,
            )
        unsure = sum(any(a.error == "outcome-unknown" for a in v.attempts) for v in seen.views.values())
        if unsure:
            self._tell(
                text(
                    "In the air at that moment: {count}. Nobody can know whether that went out, so the next "
                    "channel waited a few seconds, and it counts as perhaps told twice.",
                    count=unsure,
                )
            )
        self._tell(text("In all: {seconds} s.", seconds=self._seconds(elapsed_s)))

    def promises(self, checked: Sequence[Promise]) -> None:
        self._act(self._terminal.text("4. What the program promises, checked in the servers' own records"))
        for promise in checked:
            mark, style = ("✓", "green") if promise.kept else ("✗", "bold red")
            said = self._terminal.text(promise.what.template, **promise.what.fields)
            self._rows([(mark, said)], style=style)
        if not all(promise.kept for promise in checked):
            self._tell(
                self._terminal.text("This did not go as promised: please report it."), style="bold red"
            )

    def goodbye(self, app: App, seen: Evidence) -> None:
        text = self._terminal.text
        self._act(text("What now"))
        config = shorter(app.settings.path)
        self._line(text("The page: {page}", page=shorter(seen.page) if seen.page else "–"))
        self._line(text("Every attempt, one by one:"))
        self._line(f"  {own_name()} status {seen.code} --recipients --config {config}")
        self._line(text("And your own club:"))
        self._rows(
            [
                (f"{own_name()} init", text("asks a few questions and writes your settings")),
                (f"{own_name()} check", text("looks whether every channel works, and writes to nobody")),
                (f"{own_name()} send", text("tells everybody")),
            ],
            style="bold",
        )

    def keep_serving(self, seen: Evidence) -> None:
        """Let people look at the page, if there is somebody to press Enter."""
        somebody = sys.stdin and sys.stdin.isatty() and sys.stderr.isatty()
        if self._silent or seen.page_url is None or not somebody:
            return
        self._console.print()
        self._line(self._terminal.text("Until you press Enter, the page is at {url}", url=seen.page_url))
        try:
            sys.stdin.readline()
        except KeyboardInterrupt:
            self._console.print()

    # -- ways to speak -------------------------------------------------------------------------

    @property
    def _console(self) -> Console:
        return self._terminal.console

    def _act(self, title: str) -> None:
        self._tell(title, style="bold cyan", above=1)

    def _tell(self, text: str, style: str = "", above: int = 0) -> None:
        if not self._silent:
            said = Padding(Text(text, style=style), (above, 0, 0, 0), expand=False)
            self._console.print(said, width=min(self._console.width, WIDTH))

    def _line(self, text: str) -> None:
        """A line that is to be copied: never broken."""
        if not self._silent:
            self._console.print(Text(text), soft_wrap=True)

    def _rows(self, rows: Iterable[tuple[str, str]], style: str = "") -> None:
        """Two columns; what is too long goes on under its own column."""
        if self._silent:
            return
        grid = Table.grid(padding=(0, 2))
        grid.add_column(no_wrap=True, style=style)
        grid.add_column()
        for left, right in rows:
            grid.add_row(Text(left), Text(right))
        self._console.print(Padding(grid, (0, 0, 0, 2), expand=False), width=min(self._console.width, WIDTH))

    def _seconds(self, value: float) -> str:
        figure = f"{value:.1f}"
        return figure.replace(".", ",") if self._terminal.language == "fr" else figure


def _members(text: Callable[..., str], count: int) -> str:
    return text("{count} members", count=count)


def shorter(path: Path) -> str:
    """The path as one would type it here."""
    inside = os.path.relpath(path)
    return str(path) if inside.startswith("..") else inside
