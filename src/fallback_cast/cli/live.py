"""Showing what happens while it happens: which channel, and why it moved on."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from typing import TYPE_CHECKING

from fallback_cast.cli.terminal import Terminal
from fallback_cast.dispatch.events import Event, Happening
from fallback_cast.model.texts import say_reason

if TYPE_CHECKING:
    from rich.live import Live
    from rich.table import Table

FEW = 5  # recipients told one by one; beyond, only the first of each kind of happening is a line
DRAW_EVERY_S = 0.125


class LiveProgress:
    """Listens to the dispatcher. On a terminal a table grows; elsewhere each news is a line."""

    def __init__(self, terminal: Terminal, recipients: int, quiet: bool = False) -> None:
        self._terminal = terminal
        self._recipients = recipients
        self._quiet = quiet
        self._said: Counter[tuple[Happening, str, str]] = Counter()
        self._reached: Counter[str] = Counter()
        self._failed: Counter[str] = Counter()
        self._ended = 0
        self._live: Live | None = None
        self._drawn_s = 0.0
        self._drawing: asyncio.TimerHandle | None = None
        self._turn = threading.RLock()  # questions are asked in a thread of their own
        self._kept: list[str] | None = None  # lines that wait for the end of a question

    def __enter__(self) -> LiveProgress:
        self._terminal.progress = self
        self._start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._drawing is not None:
            self._drawing.cancel()
        self._terminal.progress = None
        self._stop()

    def pause(self) -> None:
        """Draw nothing and say nothing until `go_on`."""
        with self._turn:
            self._kept = []
            self._stop()

    def go_on(self) -> None:
        """Draw again, and say what has happened meanwhile."""
        with self._turn:
            kept, self._kept = self._kept or [], None
            if self._terminal.progress is self:
                self._start()
            for line in kept:
                self._print(line)

    def _start(self) -> None:
        if self._terminal.console.is_terminal and not self._quiet:
            from rich.live import Live

            # Nothing moves without an event. A thread that draws meanwhile would leave half a table
            # behind whenever a line is printed at the same moment.
            self._live = Live(
                console=self._terminal.console,
                auto_refresh=False,
                transient=True,
                get_renderable=self._table,
            )
            self._live.start()

    def _stop(self) -> None:
        live, self._live = self._live, None
        if live is not None:
            live.stop()

    def __call__(self, event: Event) -> None:
        self._count(event)
        self._tell(event)
        self._draw_soon()

    def _tell(self, event: Event) -> None:
        line = self._line(event)
        if self._quiet or line is None:
            return
        key = (event.what, event.channel, event.to_channel)
        self._said[key] += 1
        if self._said[key] <= (FEW if self._recipients <= FEW else 1):
            self._print(line)

    def _draw_soon(self) -> None:
        """At most eight times a second, and once more after the last event."""
        if self._drawing is not None:
            return
        wait_s = self._drawn_s + DRAW_EVERY_S - time.monotonic()
        if wait_s <= 0:
            self._draw()
        else:
            self._drawing = asyncio.get_running_loop().call_later(wait_s, self._draw)

    def _draw(self) -> None:
        self._drawing = None
        self._drawn_s = time.monotonic()
        with self._turn:
            if self._live is not None:
                self._live.refresh()

    def _print(self, line: str) -> None:
        with self._turn:
            if self._kept is not None:
                self._kept.append(line)
            elif self._live is not None:
                self._live.console.print(line, markup=False, soft_wrap=True)
            else:
                self._terminal.say("{line}", line=line)

    def _count(self, event: Event) -> None:
        if event.what is Happening.REACHED:
            self._reached[event.channel] += 1
        elif event.what is Happening.ENDED:
            self._ended += 1
        elif event.what is Happening.FAILED:
            self._failed[event.channel] += 1

    def _line(self, event: Event) -> str | None:
        text = self._terminal.text
        reason = self.reason(event.reason)
        match event.what:
            case Happening.PASSED_OVER:
                return text(
                    "↷ {channel}: passed over, {reason} → {next}",
                    channel=event.channel,
                    reason=reason,
                    next=event.to_channel,
                )
            case Happening.MOVED_ON:
                return text(
                    "↷ {channel}: {reason} → {next}",
                    channel=event.channel,
                    reason=reason,
                    next=event.to_channel,
                )
            case Happening.FAILED:
                return text("✗ {channel}: {reason}", channel=event.channel, reason=reason)
            case Happening.REACHED if event.unconfirmed:
                return text(
                    "✓ {recipient}: accepted by {channel}, unconfirmed",
                    recipient=self._who(event),
                    channel=event.channel,
                )
            case Happening.REACHED if event.recipient == event.channel:
                return text("✓ {channel}: published", channel=event.channel)
            case Happening.REACHED:
                return text(
                    "✓ {recipient}: reached by {channel}", recipient=self._who(event), channel=event.channel
                )
            case Happening.ENDED:
                return text("✗ {recipient}: {reason}", recipient=self._who(event), reason=reason)
            case Happening.CHANNEL_DOWN:
                return text(
                    "⚠ {channel} is down: {reason}",
                    channel=event.channel,
                    reason=self.reason(_inner(event.reason)),
                )
            case Happening.CHANNEL_BACK:
                return text("⚠ {channel} is back", channel=event.channel)
            case Happening.WAITING:
                return text(
                    "… {recipient}: waits for {channel} ({reason})",
                    recipient=self._who(event),
                    channel=event.channel,
                    reason=reason,
                )

    def _who(self, event: Event) -> str:
        return recipient_name(self._terminal, event.recipient)

    def reason(self, reason: str) -> str:
        return translate_reason(self._terminal, reason)

    def _table(self) -> Table:
        from rich.table import Table
        from rich.text import Text

        done = sum(self._reached.values()) + self._ended
        table = Table(box=None, padding=(0, 2), show_header=False)
        for channel in sorted({*self._reached, *self._failed}):
            reached = Text(f"{self._reached[channel]} ✓", "green")
            table.add_row(channel, reached, Text(f"{self._failed[channel]} ✗", "red"))
        table.add_row(self._terminal.text("settled"), f"{done}/{self._recipients}", "")
        return table


def recipient_name(terminal: Terminal, name: str) -> str:
    """The two that are not people, in the user's language; all others as they are written."""
    return terminal.text(name) if name in ("everyone", "organiser") else name


def translate_reason(terminal: Terminal, reason: str) -> str:
    """Evidence in the user's language."""
    return say_reason(terminal.language, reason)


def _inner(reason: str) -> str:
    """What stands in `down (…)`, where it was just said that it is down."""
    return reason.removeprefix("down (").removesuffix(")") if reason.startswith("down (") else reason
