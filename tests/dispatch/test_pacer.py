"""The pacer in virtual time: limits kept, the important first, and what happens to those who wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest

from fallback_cast.dispatch.pacer import Pacer
from fallback_cast.model.channel import Pace
from tests.virtual_time import BEGIN, VirtualClock, run_virtually

SECOND = Pace("bot", 1.0)


def now_s() -> float:
    return asyncio.get_running_loop().time()


async def moment(pacer: Pacer, paces: Sequence[Pace] = (SECOND,), **how: object) -> float:
    """When a message may go."""
    assert await pacer.let_go(paces, **how)  # type: ignore[arg-type]
    return now_s()


async def moments(pacer: Pacer, *paces: Sequence[Pace]) -> list[float]:
    return await asyncio.gather(*(moment(pacer, pace) for pace in paces))


def test_one_message_each_interval() -> None:
    async def story() -> list[float]:
        return await moments(Pacer(VirtualClock(), {}), *[(SECOND,)] * 4)

    assert run_virtually(story()) == pytest.approx([0, 1, 2, 3])


def test_a_burst_goes_at_once_and_is_saved_up_again() -> None:
    pace = (Pace("relay", 1.0, burst=3),)

    async def story() -> tuple[list[float], list[float]]:
        pacer = Pacer(VirtualClock(), {})
        first = await moments(pacer, *[pace] * 5)
        await asyncio.sleep(10)  # long enough for a whole burst, and for no more
        return first, await moments(pacer, *[pace] * 4)

    first, second = run_virtually(story())
    assert first == pytest.approx([0, 0, 0, 1, 2])
    assert second == pytest.approx([12, 12, 12, 13])


def test_a_message_respects_every_limit_it_falls_under() -> None:
    bot, chat = Pace("bot", 0.1), Pace("bot:chat", 5.0)

    async def story() -> list[float]:
        pacer = Pacer(VirtualClock(), {})
        return await moments(pacer, (bot, chat), (bot, chat), (bot,))

    first, second, other = run_virtually(story())
    assert (first, second) == pytest.approx((0, 5))
    assert other == pytest.approx(0.1)  # who waits for a chat holds up nobody else


def test_no_second_goes_beyond_the_rate_whatever_the_load() -> None:
    pace = (Pace("bot", 0.05, burst=5),)

    async def story() -> list[float]:
        pacer = Pacer(VirtualClock(), {})

        async def comes(number: int) -> float:
            await asyncio.sleep(number * 0.003)
            return await moment(pacer, pace)

        return sorted(await asyncio.gather(*map(comes, range(300))))

    went = run_virtually(story())
    for begin in went:
        assert sum(begin <= at < begin + 1.0 - 1e-6 for at in went) <= 20 + 5
    assert went[-1] < 300 * 0.05 + 0.1  # and the rate is used


def test_the_important_overtake_and_equals_keep_their_order() -> None:
    went: list[str] = []

    async def story() -> None:
        pacer = Pacer(VirtualClock(), {})

        async def comes(name: str, rank: int) -> None:
            await pacer.let_go((SECOND,), rank=rank)
            went.append(name)

        await pacer.let_go((SECOND,))
        waiting = [("info", 2), ("normal 1", 1), ("normal 2", 1), ("urgent", 0)]
        await asyncio.gather(*(comes(name, rank) for name, rank in waiting))

    run_virtually(story())
    assert went == ["urgent", "normal 1", "normal 2", "info"]


def test_who_is_called_back_takes_no_place_of_the_others() -> None:
    async def story() -> tuple[list[bool], float]:
        pacer = Pacer(VirtualClock(), {})
        await pacer.let_go((SECOND,))
        waiting = [asyncio.create_task(pacer.let_go((SECOND,), holder="telegram")) for _ in range(3)]
        other = asyncio.create_task(moment(pacer, holder="email"))
        await asyncio.sleep(0.5)
        pacer.call_back("telegram")
        return await asyncio.gather(*waiting), await other

    called, other = run_virtually(story())
    assert called == [False, False, False]
    assert other == pytest.approx(1.0)


def test_who_gives_up_takes_no_place_either() -> None:
    async def story() -> float:
        pacer = Pacer(VirtualClock(), {})
        await pacer.let_go((SECOND,))
        impatient = asyncio.create_task(pacer.let_go((SECOND,)))
        patient = asyncio.create_task(moment(pacer))
        await asyncio.sleep(0.5)
        impatient.cancel()
        return await patient

    assert run_virtually(story()) == pytest.approx(1.0)


def test_no_room_lets_the_next_go_and_room_is_seen() -> None:
    room = False

    async def story() -> tuple[float, float]:
        nonlocal room
        pacer = Pacer(VirtualClock(), {})
        waits = asyncio.create_task(moment(pacer, may_board=lambda: room))
        goes = asyncio.create_task(moment(pacer))
        await asyncio.sleep(3)
        assert not waits.done()
        room = True
        pacer.look()
        return await waits, await goes

    waits, goes = run_virtually(story())
    assert goes == pytest.approx(0.0)
    assert waits == pytest.approx(3.0)


@pytest.mark.parametrize(("asked", "taken"), [(lambda: True, 1), (lambda: False, 0)])
def test_a_place_is_taken_only_by_who_has_room(asked: Callable[[], bool], taken: int) -> None:
    async def story() -> int:
        pacer = Pacer(VirtualClock(), {})
        waiting = asyncio.create_task(pacer.let_go((SECOND,), may_board=asked))
        await asyncio.sleep(0.1)
        waiting.cancel()
        return len(pacer.state())

    assert run_virtually(story()) == taken


def test_two_runs_in_a_row_are_no_faster_than_one() -> None:
    async def story() -> float:
        first = Pacer(VirtualClock(), {})
        await moments(first, *[(SECOND,)] * 3)
        return await moment(Pacer(VirtualClock(), first.state()))

    assert run_virtually(story()) == pytest.approx(3.0)


def test_a_limit_of_a_day_holds_until_its_hour() -> None:
    async def story() -> float:
        pacer = Pacer(VirtualClock(), {"day": BEGIN + timedelta(hours=5)})
        return await moment(pacer, (Pace("day", 60.0),))

    assert run_virtually(story()) == pytest.approx(5 * 3600)


def test_taking_at_once_does_not_overtake_who_waits() -> None:
    async def story() -> tuple[bool, bool, bool]:
        pacer = Pacer(VirtualClock(), {})
        first = pacer.take((SECOND,))
        second = pacer.take((SECOND,))
        waiting = asyncio.create_task(pacer.let_go((SECOND,)))
        await asyncio.sleep(0.5)
        other = pacer.take((Pace("another", 1.0),))
        await waiting
        return first, second, other

    assert run_virtually(story()) == (True, False, False)


def test_the_memory_of_many_addresses_stays_small() -> None:
    async def story() -> int:
        clock = VirtualClock()
        pacer = Pacer(clock, {})
        for number in range(10_500):
            await pacer.let_go((Pace(f"chat {number}", 0.001),))
            if number % 100 == 0:
                await asyncio.sleep(1)
        return len(pacer.state())

    assert run_virtually(story()) <= 10_000
