"""The scheduled check on a stage: as wiring/app.py puts it together, in virtual time."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from fallback_cast.dispatch.checkup import Checkup, Findings
from fallback_cast.dispatch.desk import Desk
from fallback_cast.dispatch.dispatcher import Dispatcher, World
from fallback_cast.dispatch.notices import Organiser
from fallback_cast.dispatch.pacer import Pacer
from fallback_cast.ledger import memory
from fallback_cast.ledger.view import open_ids
from fallback_cast.model.announcement import Club
from fallback_cast.model.delivery import Route
from tests.dispatch.stage import Stage, StageChannel
from tests.virtual_time import VirtualClock, run_virtually

CLUB = Club("Pétanque club", "en", "UTC")


class PlaceChannel(StageChannel):
    """A channel with a place, which keeps the words of what was posted there."""

    def place(self) -> str:
        return "place"


def organiser(*routes: tuple[str, str], name: str = "Claire") -> Organiser:
    return Organiser(name, tuple(Route(channel, address) for channel, address in routes))


async def check(stage: Stage, organisers: Sequence[Organiser] = (), *, send: bool = True) -> Findings:
    """One check, and one pass of what is due unless somebody else is sending."""
    desk = Desk(stage.ledger, inline=True)
    book = stage.open_book(desk)
    try:
        checkup = Checkup(desk, book, stage.channels, organisers, CLUB, stage.policies, stage.clock)
        found = await checkup.run((), 30.0)
        if send and open_ids(stage.ledger):
            world = World(stage.channels, stage.policies, "UTC", stage.clock)
            pacer = Pacer(stage.clock, memory.load_paces(stage.ledger))
            dispatcher = Dispatcher(desk, world, book, pacer, "health", stage.events.append)
            dispatcher.soon = timedelta(0)
            await dispatcher.run()
    finally:
        await book.close()
    return found


def run_check(
    stage: Stage, organisers: Sequence[Organiser] = (), *, after_min: float = 5.0, send: bool = True
) -> Findings:
    """The next run of the timer, so many minutes after the last command."""
    later(stage, after_min)
    return run_virtually(check(stage, organisers, send=send))


def later(stage: Stage, minutes: float) -> None:
    stage.clock = VirtualClock(stage.clock.begin + timedelta(minutes=minutes))
