"""The picture of `outages --svg`: one drawing without scripts, readable in black and white."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, format_time
from jinja2 import Environment, PackageLoader, StrictUndefined

from fallback_cast.cli.outages import MEANINGS, Entry, History
from fallback_cast.health.timeline import Cell, all_down, runs
from fallback_cast.model.announcement import Club
from fallback_cast.model.outages import span
from fallback_cast.model.texts import Phrase, say, translate

WIDTH, PLOT, RIGHT = 960, 190, 24  # of the drawing; where its time begins; what is left free after it
TOP, ROW, BAR = 84, 44, 24  # where the first channel stands; from one to the next; how thick it is
CELLS = 240
NARROWEST = 3.0  # an outage of a minute in a week must be seen too
MOST_LINES, LONGEST = 12, 132  # what fits below the drawing, in lines and in letters of a line


@dataclass(frozen=True, slots=True)
class Bar:
    """One stretch in a channel's row; `told` is what a pointer or a screen reader tells."""

    cell: str
    x: float
    width: float
    told: str


@dataclass(frozen=True, slots=True)
class Row:
    name: str
    y: int
    bars: Sequence[Bar]
    summary: str


@dataclass(frozen=True, slots=True)
class Tick:
    x: float
    label: str


def draw(found: History, club: Club, language: str) -> str:
    """The whole SVG document. Times are the club's."""
    environment = Environment(
        loader=PackageLoader("fallback_cast.cli"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    sheet = _Sheet(found, club, language)
    rows = [sheet.row(name, TOP + ROW * number) for number, name in enumerate(found.providers)]
    axis = TOP + ROW * len(rows)
    lines = sheet.lines()
    legend = [(cell.name.lower(), translate(language, word)) for cell, word in MEANINGS.items()]
    height = axis + 76 + 20 * max(len(lines), 1)
    return environment.get_template("outages.svg").render(
        language=language,
        width=WIDTH,
        height=height,
        plot=PLOT,
        right=WIDTH - RIGHT,
        thick=BAR,
        top=TOP,
        axis=axis,
        title=sheet.say(Phrase("Outages of {club}", club=club.name)),
        subtitle=sheet.say(
            Phrase("From {begin} to {end}", begin=sheet.moment(found.since), end=sheet.moment(found.until))
        ),
        description=sheet.description(rows),
        rows=rows,
        ticks=list(sheet.ticks()),
        legend=legend,
        lines=lines,
        none=translate(language, "no outage is on record in this time"),
    )


class _Sheet:
    """Turns moments into places on the drawing, and outages into words."""

    def __init__(self, found: History, club: Club, language: str) -> None:
        self._found, self._zone, self._language = found, ZoneInfo(club.timezone), language

    def say(self, text: str) -> str:
        return say(self._language, text)

    def moment(self, moment: datetime) -> str:
        local = moment.astimezone(self._zone)
        return format_datetime(local, "d MMM y HH:mm", locale=self._language)

    def x(self, moment: datetime) -> float:
        whole = (self._found.until - self._found.since).total_seconds()
        share = min(max((moment - self._found.since).total_seconds() / whole, 0.0), 1.0)
        return round(PLOT + share * (WIDTH - RIGHT - PLOT), 1)

    def row(self, name: str, y: int) -> Row:
        found = self._found
        # Outages are drawn at their own times, over what the cells say of the rest.
        bars = [
            self._bar(Cell.UP if run.cell is Cell.DOWN else run.cell, run.begin, run.end, "")
            for run in runs(found.row(name, CELLS), found.since, found.until)
        ]
        mine = [entry for entry in found.entries if entry.outage.channel == name]
        several = len(found.providers[name]) > 1
        cell = Cell.DOUBTFUL if several else Cell.DOWN  # one of several relays is not the channel
        for entry in mine:
            o = entry.outage
            bars.append(self._bar(cell, o.began_at, o.ended_at or found.until, self.told(entry)))
        if several:
            outages = [entry.outage for entry in mine]
            for begin, end in all_down(found.providers[name], outages, found.until):
                bars.append(self._bar(Cell.DOWN, begin, end, self.say("down")))
        count = len(mine)
        summary = Phrase("1 outage") if count == 1 else Phrase("{count} outages", count=count)
        return Row(name, y, bars, self.say(summary) if count else self.say("no outage"))

    def _bar(self, cell: Cell, begin: datetime, end: datetime, told: str) -> Bar:
        x, right = self.x(begin), self.x(end)
        width = max(right - x, NARROWEST if told else 0.5)
        return Bar(cell.name.lower(), min(x, WIDTH - RIGHT - width), round(width, 1), told)

    def told(self, entry: Entry) -> str:
        o = entry.outage
        several = len(self._found.providers.get(o.channel, ())) > 1
        name = f"{o.channel} ({o.provider})" if several else o.channel
        lasted = span(o.lasted(self._found.until))
        if o.ended_at is None:
            when = Phrase(
                "{name}: down since {begin} ({lasted})",
                name=name,
                begin=self.moment(o.began_at),
                lasted=lasted,
            )
        else:
            when = Phrase(
                "{name}: {begin} to {end} ({lasted})",
                name=name,
                begin=self.moment(o.began_at),
                end=self.moment(o.ended_at),
                lasted=lasted,
            )
        return self.say(Phrase("{head}: {rest}", head=when, rest=entry.evidence))

    def lines(self) -> list[str]:
        """The outages in words below the drawing, the newest first."""
        told = [self.told(entry) for entry in reversed(self._found.entries)]
        return [line if len(line) <= LONGEST else line[: LONGEST - 1] + "…" for line in told[:MOST_LINES]]

    def description(self, rows: Sequence[Row]) -> str:
        return "; ".join(f"{row.name}: {row.summary}" for row in rows) + "."

    def ticks(self) -> Iterator[Tick]:
        """Five to ten round moments in the club's time."""
        since, until = (m.astimezone(self._zone) for m in (self._found.since, self._found.until))
        hours = next(
            (h for h in (1, 3, 6, 12, 24, 48, 168, 336) if (until - since) <= timedelta(hours=h * 9)), 720
        )
        moment = since.replace(hour=0, minute=0, second=0, microsecond=0)
        while moment < until:
            if moment > since:
                yield Tick(self.x(moment), self._tick(moment, hours))
            # Steps of wall-clock time: midnight stays midnight when the clocks change.
            moment += timedelta(hours=hours)

    def _tick(self, moment: datetime, hours: int) -> str:
        if moment.hour == 0:
            return format_date(moment, "d MMM", locale=self._language)
        return format_time(moment, "HH:mm", locale=self._language) if hours < 24 else ""
