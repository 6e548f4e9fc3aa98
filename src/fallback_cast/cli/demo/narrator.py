"""Tells the demo's story, act by act, in the language of the terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.padding import Padding
from rich.text import Text

from fallback_cast.cli.demo import club
from fallback_cast.cli.demo.proof import Evidence, Promise
from fallback_cast.cli.demo.servers import Servers
from fallback_cast.cli.live import translate_reason
from fallback_cast.cli.show import print_status
from fallback_cast.cli.terminal import Terminal
from fallback_cast.dispatch.events import Event, Happening
from fallback_cast.wiring.app import App

WIDTH = 88  # longer lines are hard to read


class Narrator:
    """Talk goes to stderr; with `--json` there is none."""

    def __init__(self, terminal: Terminal, folder: Path) -> None:
        self._terminal = terminal
        self._folder = folder
        self._told_death = False

    # -- ways to speak -------------------------------------------------------------------------

    def _act(self, title: str) -> None:
        if not self._terminal.json:
            self._terminal.console.print()
            self._terminal.console.print(Text(title, style="bold"))

    def _tell(self, text: str, style: str = "", indent: int = 0) -> None:
        if not self._terminal.json:
            console = self._terminal.console
            width = min(console.width, WIDTH)
            console.print(Padding(Text(text, style=style), (0, 0, 0, indent)), width=width)

    # -- the acts ------------------------------------------------------------------------------

    def opening(self) -> None:
        text = self._terminal.text
        self._tell(
            text(
                "On 4 October 2021 Facebook, Messenger, WhatsApp and Instagram were gone for six hours, and other "
                "messengers buckled under the rush. Clubs whose only news channel was a page there reached nobody."
            )
        )
        self._tell(
            text(
                "Here is how the same day goes with fallback-cast. All servers run on this computer for a few "
                "seconds; nothing leaves it, and the members are invented."
            ),
            style="dim",
        )

    def cast(self, app: App) -> None:
        """The club, its channels in rank order, and how many members each could reach."""
        text = self._terminal.text
        self._act(text("1. The club"))
        sizes = dict.fromkeys(app.channels, 0)
        for number in range(1, club.MEMBERS + 1):
            for name in club.addresses(number):
                sizes[name] += 1
        self._tell(
            text(
                "{count} members; one of them has a wrong address, one has none, two share a mailbox.",
                count=club.MEMBERS,
            )
        )
        for rank, name in enumerate(app.channels, 1):
            what = (
                text("everybody can read it, with every platform down")
                if app.channels[name].always
                else text("{count} members", count=sizes[name])
            )
            self._tell(f"{rank}. {name:<10} {what}", indent=2)

    def broadcast(self, code: str, title: str) -> None:
        text = self._terminal.text
        self._act(text("2. The announcement"))
        self._tell(
            text(
                "“{title}” (urgent, code {code}). Telegram goes down while it is being sent.",
                title=title,
                code=code,
            )
        )

    def listening(self, listen: Callable[[Event], None], servers: Servers) -> Callable[[Event], None]:
        """Hears what the dispatcher tells, and says a word when the platform has died."""

        def hear(event: Event) -> None:
            if servers.died_at is not None and not self._told_death and event.what is Happening.FAILED:
                self._told_death = True
                self._tell(
                    self._terminal.text("— Telegram is gone: from now on its servers answer nobody —"),
                    style="bold red",
                )
            listen(event)

        return hear

    def result(self, app: App, found: Mapping[str, Any]) -> None:
        self._act(self._terminal.text("3. The result"))
        print_status(self._terminal, app, found)

    def unreached(self, seen: Evidence) -> None:
        for view in seen.views.values():
            if view.state != "reached":
                reasons = "; ".join(translate_reason(self._terminal, reason) for reason in view.reasons)
                self._tell(f"[ ] {view.recipient}: {reasons}", indent=2)

    def figures(self, seen: Evidence, elapsed_s: float) -> None:
        text, switch_s = self._terminal.text, seen.longest_switch_s()
        self._tell(text("The whole took {seconds} s.", seconds=f"{elapsed_s:.1f}"))
        if switch_s is not None:
            self._tell(
                text(
                    "{seconds} s after the death everybody it left behind had the message by another way, except "
                    "who was being written to at that moment: nobody can know whether that one went out, so the "
                    "next channel waits a little.",
                    seconds=f"{switch_s:.1f}",
                )
            )

    def promises(self, checked: Sequence[Promise]) -> None:
        self._act(self._terminal.text("4. What was promised, checked against the servers' own records"))
        for promise in checked:
            mark, style = ("✓", "green") if promise.kept else ("✗", "bold red")
            said = self._terminal.text(promise.what.template, **promise.what.fields)
            self._tell(f"{mark} {said}", style=style, indent=2)

    def goodbye(self, app: App, seen: Evidence) -> None:
        text = self._terminal.text
        self._act(text("Next"))
        settings = app.settings.path
        self._tell(text("The page: {page}", page=seen.page))
        self._tell(
            text(
                "Every attempt: fallback-cast status {code} --recipients --config {settings}",
                code=seen.code,
                settings=settings,
            )
        )
        self._tell(text("Your own club:"))
        for command, what in (
            ("fallback-cast init", text("asks a few questions, writes your settings")),
            ("fallback-cast check", text("looks whether every channel works, writes to nobody")),
            ("fallback-cast send", text("announces something to everybody")),
        ):
            self._tell(f"{command:<21} {what}", indent=2)
        self._keep_serving(seen)

    def _keep_serving(self, seen: Evidence) -> None:
        """Let people look at the page, if there is somebody to press Enter."""
        if seen.page_url is None or not (sys.stdin and sys.stdin.isatty() and sys.stderr.isatty()):
            return
        self._tell(
            self._terminal.text("Until you press Enter the page is at {url}", url=seen.page_url), style="bold"
        )
        sys.stdin.readline()
