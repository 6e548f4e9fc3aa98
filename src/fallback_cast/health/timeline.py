"""A channel's days as a row of cells: works, doubtful, down, or nobody looked. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum

from fallback_cast.model.outages import Outage, Seen

A_WORD_HOLDS = timedelta(hours=1)  # whoever was seen to work is taken to work for so long


class Cell(IntEnum):
    """The worst of what was known in a stretch of time."""

    UNSEEN = 0
    UP = 1
    DOUBTFUL = 2
    DOWN = 3


@dataclass(frozen=True, slots=True)
class Run:
    """A stretch of equal cells."""

    cell: Cell
    begin: datetime
    end: datetime


def cells(
    providers: Collection[str],
    outages: Sequence[Outage],
    seen: Sequence[Seen],
    since: datetime,
    until: datetime,
    count: int,
) -> list[Cell]:
    """One cell for each of `count` equal stretches between two moments, of one channel.

    `seen` stands in order of time. The channel is down while all of its providers are, and doubtful
    while some are.
    """
    step = (until - since) / count
    good = [word.at for word in seen if word.good]
    bad = [word.at for word in seen if not word.good]
    row = []
    for number in range(count):
        begin, end = since + step * number, since + step * (number + 1)
        down = [o for o in outages if o.began_at < end and (o.ended_at is None or o.ended_at > begin)]
        if down:
            whole = any(first < end and last > begin for first, last in all_down(providers, down, until))
            row.append(Cell.DOWN if whole else Cell.DOUBTFUL)
        elif _any_between(bad, begin, end):
            row.append(Cell.DOUBTFUL)
        else:
            row.append(Cell.UP if _any_between(good, begin - A_WORD_HOLDS, end) else Cell.UNSEEN)
    return row


def _any_between(moments: Sequence[datetime], begin: datetime, end: datetime) -> bool:
    return bisect_left(moments, begin) < bisect_left(moments, end)


def all_down(
    providers: Collection[str], outages: Sequence[Outage], until: datetime
) -> Iterator[tuple[datetime, datetime]]:
    """When all providers of a channel were down at once: the channel itself was."""
    for outage in outages:
        at = outage.began_at
        on = [o for o in outages if o.began_at <= at and (o.ended_at is None or o.ended_at > at)]
        # The last one to go down begins it, the first one to come back ends it.
        if {o.provider for o in on} >= set(providers):
            yield at, min(o.ended_at or until for o in on)


def runs(row: Sequence[Cell], since: datetime, until: datetime) -> Iterator[Run]:
    """Equal neighbours as one stretch."""
    step = (until - since) / len(row)
    begin = 0
    for number in range(1, len(row) + 1):
        if number == len(row) or row[number] is not row[begin]:
            yield Run(row[begin], since + step * begin, since + step * number)
            begin = number
