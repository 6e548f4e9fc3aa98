"""A place whose channel was out gets what it missed, once; everybody else is left in peace."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from fallback_cast.ledger.view import header
from fallback_cast.model.announcement import Importance
from fallback_cast.model.errors import Layer, OutcomeUnknown, Unavailable
from fallback_cast.model.message import Accepted
from tests.dispatch.checkups import PlaceChannel, later, run_check
from tests.dispatch.stage import Stage, everyone, member, refused
from tests.virtual_time import run_virtually


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    channels = {"telegram": PlaceChannel("telegram"), "email": PlaceChannel("email")}
    stage = Stage(tmp_path / "ledger.db", channels)
    yield stage
    stage.close()


def told(stage: Stage, channel: str) -> list[str]:
    return [address for _, address in stage.channels[channel].provider.told]


def in_an_outage(stage: Stage, importance: Importance = Importance.NORMAL) -> None:
    """Telegram is down; the announcement goes by email."""
    stage.channels["telegram"].provider.fault = refused()
    run_check(stage)
    stage.announce([everyone("telegram", "email")], importance, at=stage.clock.begin)
    later(stage, 1)
    run_virtually(stage.dispatch())
    assert told(stage, "email") == ["place"]
    assert told(stage, "telegram") == []


def test_the_check_lets_a_place_catch_up_exactly_once(stage: Stage) -> None:
    in_an_outage(stage)
    run_check(stage)
    stage.channels["telegram"].provider.fault = None
    caught_up = [run_check(stage).caught_up for _ in range(6)]
    assert sum(caught_up) == 1
    assert told(stage, "telegram") == ["place"]
    assert told(stage, "email") == ["place"]


def test_the_dispatcher_does_it_when_the_channel_comes_back_in_mid_run(stage: Stage) -> None:
    """One slow message keeps the dispatcher busy until Telegram is back."""
    telegram, email = (stage.channels[name].provider for name in ("telegram", "email"))

    async def slow(address: str, number: int) -> Accepted:
        await asyncio.sleep(400 if address == "slow@example.org" else 0.01)
        return Accepted()

    async def story() -> None:
        running = asyncio.create_task(stage.dispatch())
        await asyncio.sleep(20)
        assert told(stage, "email") == ["place"]
        telegram.fault = None
        await running

    telegram.fault = refused()
    run_check(stage)
    email.behave = slow
    people = [member("Slow", ("email", "slow@example.org"))]
    stage.announce([everyone("telegram", "email"), *people], Importance.INFO, at=stage.clock.begin)
    later(stage, 1)
    run_virtually(story())
    assert told(stage, "telegram") == ["place"]
    assert told(stage, "email") == ["place", "slow@example.org"]


def test_a_catch_up_survives_the_death_of_the_dispatcher(stage: Stage) -> None:
    in_an_outage(stage)
    stage.channels["telegram"].provider.fault = None
    for _ in range(4):
        run_check(stage, send=False)  # planned, and nobody sends
    assert told(stage, "telegram") == []
    run_check(stage)
    run_check(stage)
    assert told(stage, "telegram") == ["place"]


def test_skip_is_obeyed(stage: Stage) -> None:
    stage.channels["telegram"].catch_up = "skip"
    in_an_outage(stage)
    stage.channels["telegram"].provider.fault = None
    for _ in range(4):
        run_check(stage)
    assert told(stage, "telegram") == []


def test_what_has_expired_is_not_posted(stage: Stage) -> None:
    in_an_outage(stage, Importance.URGENT)  # expires after 24 h
    later(stage, 25 * 60)
    stage.channels["telegram"].provider.fault = None
    for _ in range(4):
        run_check(stage)
    assert told(stage, "telegram") == []


def test_members_are_not_told_again(stage: Stage) -> None:
    stage.channels["telegram"].provider.fault = refused()
    run_check(stage)
    people = [member("Ann", ("telegram", "place"), ("email", "ann@example.org"))]
    people += [member("Bob", ("telegram", "bob"), ("email", "bob@example.org"))]
    stage.announce(people, Importance.NORMAL, at=stage.clock.begin)
    later(stage, 1)
    run_virtually(stage.dispatch())
    stage.channels["telegram"].provider.fault = None
    for _ in range(4):
        run_check(stage)
    assert sorted(told(stage, "email")) == ["ann@example.org", "bob@example.org"]
    assert told(stage, "telegram") == []


def test_what_may_have_been_posted_is_not_posted_again(stage: Stage) -> None:
    async def lost(address: str, number: int) -> Accepted:
        raise OutcomeUnknown("the answer was lost")

    stage.channels["telegram"].provider.behave = lost
    stage.announce([everyone("telegram", "email")], Importance.URGENT)
    run_virtually(stage.dispatch())
    assert told(stage, "email") == ["place"]
    stage.channels["telegram"].provider.behave = None
    stage.channels["telegram"].provider.fault = Unavailable("gone", layer=Layer.SERVICE)
    run_check(stage)
    stage.channels["telegram"].provider.fault = None
    for _ in range(4):
        run_check(stage)
    assert told(stage, "telegram") == []


def test_the_figures_of_the_announcement_stay_what_they_were(stage: Stage) -> None:
    in_an_outage(stage)
    before, head = stage.counts(), header(stage.ledger, "a1")
    stage.channels["telegram"].provider.fault = None
    for _ in range(4):
        run_check(stage)
    after, now = stage.counts(), header(stage.ledger, "a1")
    assert (after.states, after.total, after.fallbacks) == (before.states, before.total, before.fallbacks)
    assert after.channels["telegram"].accepted == 1
    assert head is not None
    assert now is not None
    assert (now.state, now.settled_at) == ("settled", head.settled_at)


def test_the_next_announcement_brings_the_place_what_it_missed(stage: Stage) -> None:
    """No timer runs here: whoever sends next finds that the channel is back."""
    in_an_outage(stage)
    stage.channels["telegram"].provider.fault = None
    later(stage, 60)
    stage.announce([everyone("telegram", "email")], Importance.NORMAL, id="a2", at=stage.clock.begin)
    run_virtually(stage.dispatch())
    assert told(stage, "telegram") == ["place", "place"]
    keys = [key for _, key in stage.channels["telegram"].provider.sent]
    assert len(set(keys)) == 2
    assert told(stage, "email") == ["place"]
