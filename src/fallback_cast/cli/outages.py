"""`outages`: what was down, from when to when, how we know, what it cost; and a picture of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fallback_cast.cli.terminal import EXIT_OK, Terminal
from fallback_cast.health.timeline import A_WORD_HOLDS, Cell, cells
from fallback_cast.ledger import outages as ledger
from fallback_cast.model.duration import parse_duration
from fallback_cast.model.errors import UserError
from fallback_cast.model.outages import Cost, Outage, Seen, span
from fallback_cast.model.texts import Phrase, say, say_reason
from fallback_cast.wiring.app import App, open_app

BLOCKS = {Cell.UNSEEN: "·", Cell.UP: "▁", Cell.DOUBTFUL: "▄", Cell.DOWN: "█"}
COLOURS = {Cell.UNSEEN: "dim", Cell.UP: "green", Cell.DOUBTFUL: "yellow", Cell.DOWN: "red"}
MEANINGS = {Cell.UP: "works", Cell.DOUBTFUL: "doubtful", Cell.DOWN: "down", Cell.UNSEEN: "nobody looked"}


@dataclass(frozen=True, slots=True)
class Entry:
    """One outage with its evidence as a sentence, and what it cost."""

    outage: Outage
    evidence: str
    cost: Cost


@dataclass(frozen=True, slots=True)
class History:
    """What is known of some channels between two moments."""

    since: datetime
    until: datetime
    providers: Mapping[str, Sequence[str]]  # by channel, in rank order
    entries: Sequence[Entry]
    seen: Sequence[Seen]

    def row(self, channel: str, count: int) -> list[Cell]:
        outages = [entry.outage for entry in self.entries if entry.outage.channel == channel]
        seen = [word for word in self.seen if word.channel == channel]
        return cells(self.providers[channel], outages, seen, self.since, self.until, count)


def run(terminal: Terminal, only: str | None, since: str, svg: Path | None) -> int:
    settings = terminal.settings()
    with open_app(settings) as app:
        if only is not None and only not in app.channels:
            raise UserError(Phrase("there is no channel {name!r}", name=only), hint=", ".join(app.channels))
        found = history(terminal, app, only, _since(since, app.clock.now()))
        if svg is not None:
            from fallback_cast.cli.atomic import write_file
            from fallback_cast.cli.outages_svg import draw

            write_file(svg, draw(found, app.club, terminal.language), "--svg")
            terminal.say("the picture is in {path}", path=svg)
        if terminal.json:
            terminal.object(_object(found))
        elif svg is None:
            _print(terminal, app, found)
    return EXIT_OK


def history(terminal: Terminal, app: App, only: str | None, since: datetime) -> History:
    """Of one channel, or of all; a removed one is told of in words, without a place in the picture."""
    now, channels = app.clock.now(), [only] if only else list(app.channels)
    outages = ledger.outages_since(app.ledger, since, [only] if only else ())
    return History(
        since=since,
        until=now,
        providers={name: [p.name for p in app.channels[name].providers] for name in channels},
        entries=[Entry(o, _evidence(terminal, app, o), ledger.cost(app.ledger, o, now)) for o in outages],
        seen=ledger.seen_since(app.ledger, since - A_WORD_HOLDS, channels),
    )


def _since(text: str, now: datetime) -> datetime:
    try:
        return now - parse_duration(text)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
        moment = moment if moment.tzinfo else moment.astimezone(UTC)
    except ValueError:
        moment = now
    if moment >= now:
        raise UserError(
            Phrase("{text!r} is no moment in the past", text=text),
            where="--since",
            hint="write for example 7d or 2026-11-01",
        )
    return moment


def _evidence(terminal: Terminal, app: App, outage: Outage) -> str:
    """`connection refused (route); 3 failed probes, 2 failed messages`"""
    counts = ledger.failed_signals(app.ledger, outage)
    probes, sends = counts.get("probe", 0), counts.get("send", 0)
    parts = []
    if probes:
        one = terminal.text("1 failed probe")
        parts.append(one if probes == 1 else terminal.text("{count} failed probes", count=probes))
    if sends:
        one = terminal.text("1 failed message")
        parts.append(one if sends == 1 else terminal.text("{count} failed messages", count=sends))
    reason = say_reason(terminal.language, outage.reason) or terminal.text("no reason was given")
    return terminal.text("{first}; {second}", first=reason, second=", ".join(parts)) if parts else reason


def _object(found: History) -> dict[str, Any]:
    return {
        "since": found.since.isoformat(),
        "until": found.until.isoformat(),
        "outages": [
            {
                "channel": o.channel,
                "provider": o.provider,
                "began_at": o.began_at.isoformat(),
                "ended_at": o.ended_at.isoformat() if o.ended_at else None,
                "duration_s": round(o.lasted(found.until).total_seconds(), 3),
                "layer": o.layer.value if o.layer else None,
                "reason": o.reason,
                "evidence": entry.evidence,
                "configuration": o.configuration,
                "fell_back": entry.cost.fell_back,
                "waited": entry.cost.waited,
                "told_down_at": o.told_down_at.isoformat() if o.told_down_at else None,
                "told_back_at": o.told_back_at.isoformat() if o.told_back_at else None,
            }
            for entry in found.entries
            for o in (entry.outage,)
        ],
    }


def _print(terminal: Terminal, app: App, found: History) -> None:
    _print_picture(terminal, app, found)
    if not found.entries:
        terminal.print(terminal.text("no outage is on record in this time"))
    for entry in found.entries:
        _print_entry(terminal, app, entry, found.until)


def _print_picture(terminal: Terminal, app: App, found: History) -> None:
    """A line a channel; the moments stand under its ends."""
    name_width = max(len(name) for name in found.providers)
    width = max(20, min(terminal.paper.width - name_width - 3, 96))
    for name in found.providers:
        blocks = "".join(f"[{COLOURS[cell]}]{BLOCKS[cell]}[/]" for cell in found.row(name, width))
        terminal.print(f"[bold]{name:<{name_width}}[/]  {blocks}")
    begin, end = app.local(found.since), terminal.text("now")
    gap = max(1, width - len(begin) - len(end))
    terminal.print(f"{'':<{name_width}}  [dim]{begin}{' ' * gap}{end}[/]")
    legend = "   ".join(f"{BLOCKS[cell]} {terminal.text(word)}" for cell, word in MEANINGS.items())
    terminal.print(f"{'':<{name_width}}  [dim]{legend}[/]")


def _print_entry(terminal: Terminal, app: App, entry: Entry, now: datetime) -> None:
    o, text = entry.outage, terminal.text
    several = len(app.channels[o.channel].providers) > 1 if o.channel in app.channels else False
    name = f"{o.channel} ({o.provider})" if several else o.channel
    lasted = say(terminal.language, span(o.lasted(now)))
    if o.ended_at is None:
        when = text(
            "{name}: down since {begin} ({lasted})", name=name, begin=app.local(o.began_at), lasted=lasted
        )
    else:
        when = text(
            "{name}: {begin} to {end} ({lasted})",
            name=name,
            begin=app.local(o.began_at),
            end=_short(app, o.ended_at, o.began_at),
            lasted=lasted,
        )
    terminal.print("")
    terminal.print(when, markup=False)
    layer = f" [{text(o.layer.value)}]" if o.layer else ""
    terminal.print(f"    {entry.evidence}{layer}", markup=False)
    terminal.print(f"    {cost_in_words(terminal, entry.cost)}", markup=False)


def _short(app: App, moment: datetime, begin: datetime) -> str:
    """The end without its day, if it is the day of the beginning."""
    full, first = app.local(moment), app.local(begin)
    return full[11:] if full[:10] == first[:10] else full


def cost_in_words(terminal: Terminal, cost: Cost) -> str:
    text = terminal.text
    fell = text("1 message went another way")
    if cost.fell_back != 1:
        fell = text("{count} messages went another way", count=cost.fell_back)
    waited = text("1 message waited")
    if cost.waited != 1:
        waited = text("{count} messages waited", count=cost.waited)
    parts = [fell] * bool(cost.fell_back) + [waited] * bool(cost.waited)
    return ", ".join(parts) or text("it cost nothing: no message was due")
