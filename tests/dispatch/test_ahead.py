"""Attempts begun ahead of the wire: bounded, withdrawn when the world changes, never counted as sent."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from fallback_cast.dispatch.dispatcher import DRAIN_S
from fallback_cast.dispatch.lane import LEAD_AT_MOST
from fallback_cast.ledger import schema
from fallback_cast.model.errors import MessageRefused
from fallback_cast.model.message import Accepted
from tests.dispatch.stage import Stage, StageChannel, member
from tests.virtual_time import run_virtually

MEMBERS = 1000


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path / "ledger.db", {name: StageChannel(name) for name in ("telegram", "email")})
    stage.announce(
        [member(f"m{n}", ("telegram", f"t{n}"), ("email", f"e{n}@example.org")) for n in range(MEMBERS)]
    )
    yield stage
    stage.close()


def attempts(stage: Stage, channel: str) -> Counter[str]:
    """Rows of the ledger by outcome."""
    with stage.ledger.reading() as connection:
        rows = connection.execute(select(schema.attempt.c.outcome).where(schema.attempt.c.channel == channel))
        return Counter(row.outcome for row in rows)


def test_what_was_begun_for_a_platform_that_dies_is_withdrawn(stage: Stage) -> None:
    telegram = stage.channels["telegram"].provider

    async def dies(address: str, number: int) -> Accepted:
        await asyncio.sleep(0.01)
        if number == 500:
            telegram.hangs = True
        return Accepted()

    telegram.behave = dies
    run_virtually(stage.dispatch())
    rows = attempts(stage, "telegram")
    assert rows["begun"] == 0
    assert sum(rows.values()) == len(telegram.sent), "each row touched the wire, and each send has a row"
    assert stage.counts().states == {"reached": MEMBERS}


def test_a_text_refused_three_times_is_withdrawn_from_the_rest(stage: Stage) -> None:
    telegram = stage.channels["telegram"].provider

    async def refuses(address: str, number: int) -> Accepted:
        await asyncio.sleep(0.001)
        if number > 400:
            raise MessageRefused("too long")
        return Accepted()

    telegram.behave = refuses
    run_virtually(stage.dispatch())
    rows = attempts(stage, "telegram")
    assert sum(rows.values()) == len(telegram.sent)
    assert 3 <= rows["failed"] <= telegram.max_in_flight
    assert stage.counts().states == {"reached": MEMBERS}


def test_a_run_that_is_stopped_waits_for_nobody_who_hangs(stage: Stage) -> None:
    telegram = stage.channels["telegram"].provider
    telegram.behave = lambda address, number: asyncio.sleep(3600)  # type: ignore[assignment, return-value]

    async def stopped() -> float:
        run = asyncio.create_task(stage.dispatch())
        await asyncio.sleep(0.1)
        began = asyncio.get_running_loop().time()
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)
        return asyncio.get_running_loop().time() - began

    assert run_virtually(stopped()) == pytest.approx(DRAIN_S)
    assert attempts(stage, "telegram") == {"unknown": telegram.max_in_flight}


@pytest.mark.parametrize("at_s", [0.047, 0.128, 0.163])
def test_a_run_that_is_stopped_lets_what_is_on_the_wire_come_back(stage: Stage, at_s: float) -> None:
    telegram = stage.channels["telegram"].provider
    flying = 0

    async def counts(address: str, number: int) -> Accepted:
        nonlocal flying
        flying += 1
        await asyncio.sleep(0.03)
        flying -= 1
        return Accepted()

    telegram.behave = counts

    async def stopped() -> None:
        run = asyncio.create_task(stage.dispatch())
        await asyncio.sleep(at_s)
        assert flying
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)
        rows = attempts(stage, "telegram")
        assert rows == {"accepted": len(telegram.sent)}
        assert stage.counts().states["reached"] == len(telegram.sent) < MEMBERS

    run_virtually(stopped())


def test_a_dead_process_leaves_no_more_than_it_may_begin_ahead(stage: Stage) -> None:
    telegram = stage.channels["telegram"].provider

    async def quick(address: str, number: int) -> Accepted:
        await asyncio.sleep(0.01)
        return Accepted()

    telegram.behave = quick

    async def look() -> int:
        run = asyncio.create_task(stage.dispatch())
        most = 0
        while not run.done():
            await asyncio.sleep(0.005)
            most = max(most, attempts(stage, "telegram")["begun"])
        return most

    most = run_virtually(look())
    assert telegram.max_in_flight < most <= LEAD_AT_MOST + telegram.max_in_flight


def test_slow_sends_are_begun_at_their_turn(stage: Stage) -> None:
    telegram = stage.channels["telegram"].provider
    telegram.max_in_flight = 5

    async def slow(address: str, number: int) -> Accepted:
        await asyncio.sleep(2)
        return Accepted()

    telegram.behave = slow

    async def look() -> int:
        run = asyncio.create_task(stage.dispatch())
        await asyncio.sleep(19)
        begun = attempts(stage, "telegram")["begun"]
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)
        return begun

    assert run_virtually(look()) <= 5
