"""Whole stories: real ledger, real dispatcher, virtual time."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from fallback_cast.dispatch.dispatcher import RunEnd
from fallback_cast.dispatch.events import Happening
from fallback_cast.ledger.progress import published_at
from fallback_cast.model.announcement import Importance
from fallback_cast.model.errors import (
    AddressRefused,
    Layer,
    MessageRefused,
    OutcomeUnknown,
    Throttled,
    Unavailable,
)
from fallback_cast.model.message import Accepted
from tests.dispatch.stage import (
    Behaviour,
    Stage,
    StageChannel,
    StageProvider,
    everyone,
    member,
    place,
    refused,
    until,
)
from tests.virtual_time import run_virtually


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


@pytest.fixture
def stage(path: Path) -> Iterator[Stage]:
    channels = {
        "telegram": StageChannel("telegram"),
        "email": StageChannel("email"),
        "sms": StageChannel("sms", rings=True, paid=True),
    }
    stage = Stage(path, channels)
    yield stage
    stage.close()


def test_the_first_channel_that_takes_it_ends_the_chain(stage: Stage) -> None:
    stage.announce([everyone("telegram", "email")])
    assert run_virtually(stage.dispatch()) is RunEnd.SETTLED
    assert len(stage.channels["telegram"].provider.told) == 1
    assert stage.channels["email"].provider.sent == []
    assert stage.counts().states == {"reached": 1}
    assert stage.counts().fallbacks == 0


def test_a_refused_channel_is_passed_over_before_anything_is_sent(stage: Stage) -> None:
    stage.channels["telegram"].provider.fault = refused()
    stage.announce([everyone("telegram", "email")])
    run_virtually(stage.dispatch())
    assert stage.channels["telegram"].provider.sent == []
    [(moment, _)] = stage.channels["email"].provider.told
    assert moment < 0.2
    counts = stage.counts()
    assert (counts.states, counts.fallbacks, counts.channels["telegram"].skipped) == ({"reached": 1}, 1, 1)


def test_a_channel_that_never_answers_costs_an_urgent_one_its_probe_budget(stage: Stage) -> None:
    stage.channels["telegram"].provider.hangs = True
    stage.announce([everyone("telegram", "email")])
    run_virtually(stage.dispatch())
    assert stage.channels["telegram"].provider.sent == []
    [(moment, _)] = stage.channels["email"].provider.told
    assert moment < 1.3


def test_a_thousand_members_fall_back_one_by_one(stage: Stage) -> None:
    stage.channels["telegram"].provider.fault = refused()
    stage.announce(
        [member(f"m{n}", ("telegram", f"t{n}"), ("email", f"e{n}@example.org")) for n in range(1000)]
    )
    run_virtually(stage.dispatch())
    told = Counter(address for _, address in stage.channels["email"].provider.told)
    assert set(told.values()) == {1}
    assert len(told) == 1000
    assert stage.counts().fallbacks == 1000


def test_a_platform_that_dies_half_way_loses_nobody_and_tells_nobody_twice(stage: Stage) -> None:
    telegram = stage.channels["telegram"].provider

    async def dies(address: str, number: int) -> Accepted:
        await asyncio.sleep(0.01)
        if number > 500:
            telegram.fault = refused()
            raise refused()
        return Accepted()

    telegram.behave = dies
    stage.announce(
        [member(f"m{n}", ("telegram", f"t{n}"), ("email", f"e{n}@example.org")) for n in range(1000)]
    )
    run_virtually(stage.dispatch())
    reached = [a[1:] for _, a in telegram.told] + [
        a[1:].split("@")[0] for _, a in stage.channels["email"].provider.told
    ]
    assert sorted(reached, key=int) == [str(n) for n in range(1000)]
    # The first failures teach all the rest: only what was in flight met the dead platform.
    assert len(telegram.sent) < 500 + 3 * 50 + 10
    assert Happening.CHANNEL_DOWN in {event.what for event in stage.events}


def test_a_platform_that_hangs_half_way_costs_at_most_the_patience(stage: Stage) -> None:
    telegram = stage.channels["telegram"].provider

    async def dies(address: str, number: int) -> Accepted:
        await asyncio.sleep(0.01)
        if number == 500:
            telegram.hangs = True
        return Accepted()

    telegram.behave = dies
    stage.announce(
        [member(f"m{n}", ("telegram", f"t{n}"), ("email", f"e{n}@example.org")) for n in range(1000)]
    )
    run_virtually(stage.dispatch())
    email = stage.channels["email"].provider
    assert stage.counts().states == {"reached": 1000}
    assert max(moment for moment, _ in email.told) < 20 + 5 + 1
    assert (
        stage.counts().channels["email"].possible_duplicates
        == stage.counts().channels["telegram"].unknown
        > 0
    )


def test_two_who_share_an_address_are_covered_by_one_attempt(stage: Stage) -> None:
    stage.announce(
        [member("Ann", ("email", "home@example.org")), member("Bob", ("email", "home@example.org"))]
    )
    run_virtually(stage.dispatch())
    assert stage.channels["email"].provider.sent[0][0] == "home@example.org"
    assert len(stage.channels["email"].provider.sent) == 1
    assert stage.counts().states == {"reached": 2}


def test_a_refused_address_falls_back_at_once_and_is_never_used_again(stage: Stage) -> None:
    async def refuses(address: str, number: int) -> Accepted:
        raise AddressRefused("550 5.1.1")

    stage.channels["email"].provider.behave = refuses
    routes = (("email", "gone@example.org"), ("sms", "+33199000001"))
    stage.announce([member("Ann", *routes)])
    run_virtually(stage.dispatch())
    assert [a for _, a in stage.channels["sms"].provider.told] == ["+33199000001"]
    stage.announce([member("Ann", *routes)], id="a2")
    run_virtually(stage.dispatch())
    assert len(stage.channels["email"].provider.sent) == 1
    assert stage.counts("a2").states == {"reached": 1}


def test_three_refusals_of_one_mail_domain_are_not_three_suppressions(stage: Stage) -> None:
    async def refuses(address: str, number: int) -> Accepted:
        raise AddressRefused("550")

    stage.channels["email"].provider.behave = refuses
    stage.announce(
        [member(f"m{n}", ("email", f"m{n}@example.org"), ("sms", f"+3319900000{n}")) for n in range(3)]
    )
    run_virtually(stage.dispatch())
    stage.channels["email"].provider.behave = None
    stage.announce([member(f"m{n}", ("email", f"m{n}@example.org")) for n in range(3)], id="a2")
    run_virtually(stage.dispatch())
    assert stage.counts("a2").states == {"reached": 3}


def test_three_refused_texts_end_a_channel_for_this_announcement(stage: Stage) -> None:
    async def refuses(address: str, number: int) -> Accepted:
        await asyncio.sleep(0.01)
        raise MessageRefused("too long")

    telegram = stage.channels["telegram"].provider
    telegram.behave, telegram.max_in_flight = refuses, 1
    stage.announce(
        [member(f"m{n}", ("telegram", f"t{n}"), ("email", f"e{n}@example.org")) for n in range(50)]
    )
    run_virtually(stage.dispatch())
    assert len(telegram.sent) <= 6
    assert stage.counts().states == {"reached": 50}


def test_an_unknown_outcome_waits_for_the_grace_and_marks_the_possible_duplicate(stage: Stage) -> None:
    async def lost(address: str, number: int) -> Accepted:
        raise OutcomeUnknown("the connection broke")

    stage.channels["telegram"].provider.behave = lost
    stage.announce([everyone("telegram", "email")])
    run_virtually(stage.dispatch())
    [(moment, _)] = stage.channels["email"].provider.told
    assert 5.0 <= moment < 6.0
    assert len(stage.channels["telegram"].provider.sent) == 1
    assert stage.counts().channels["email"].possible_duplicates == 1


def test_where_the_provider_knows_the_key_an_unknown_outcome_is_sent_again(path: Path) -> None:
    matrix = StageChannel("matrix", deduplicates=True)
    stage = Stage(path, {"matrix": matrix, "email": StageChannel("email")})

    async def lost_once(address: str, number: int) -> Accepted:
        if number == 1:
            raise OutcomeUnknown("the connection broke")
        return Accepted()

    matrix.provider.behave = lost_once
    stage.announce([everyone("matrix", "email")])
    run_virtually(stage.dispatch())
    assert len({key for _, key in matrix.provider.sent}) == 1
    assert len(matrix.provider.told) == 1
    assert stage.channels["email"].provider.sent == []
    stage.close()


def test_a_short_throttle_is_waited_for_a_long_one_is_left(stage: Stage) -> None:
    async def throttles(address: str, number: int) -> Accepted:
        if number == 1:
            raise Throttled("429", 2.0)
        if number == 2:
            return Accepted()
        raise Throttled("429", 600.0)

    stage.channels["telegram"].provider.behave = throttles
    stage.announce([everyone("telegram", "email")])
    run_virtually(stage.dispatch())
    assert len(stage.channels["telegram"].provider.told) == 1
    stage.announce([member("x", ("telegram", "tx"), ("email", "ex@example.org"))], id="a2")
    run_virtually(stage.dispatch())
    assert [a for _, a in stage.channels["email"].provider.told] == ["ex@example.org"]


def test_the_next_relay_is_tried_before_the_next_channel(path: Path) -> None:
    first, second = StageProvider("relay-1"), StageProvider("relay-2")
    first.fault = Unavailable("421", layer=Layer.SERVICE)
    stage = Stage(path, {"email": StageChannel("email", first, second), "sms": StageChannel("sms")})
    stage.announce([member("Ann", ("email", "ann@example.org"), ("sms", "+33199000001"))])
    run_virtually(stage.dispatch())
    assert len(second.told) == 1
    assert stage.channels["sms"].provider.sent == []
    stage.close()


def test_everything_down_waits_and_says_so_and_goes_on_when_it_is_back(stage: Stage) -> None:
    for channel in stage.channels.values():
        channel.provider.fault = refused()
    stage.announce([everyone("telegram", "email")])

    async def story() -> RunEnd:
        async def heal() -> None:
            await asyncio.sleep(40)
            stage.channels["email"].provider.fault = None

        task = asyncio.create_task(heal())
        end = await stage.dispatch()
        await task
        return end

    assert run_virtually(story()) is RunEnd.SETTLED
    assert len(stage.channels["email"].provider.told) == 1
    assert stage.counts().states == {"reached": 1}


def test_a_known_outage_costs_the_next_broadcast_nothing(stage: Stage) -> None:
    telegram = stage.channels["telegram"].provider
    telegram.fault, telegram.probe_s = refused(), 0.5

    async def story() -> tuple[float, int]:
        for number in range(3):  # three failed probes in a row, and it is judged down
            stage.announce([everyone("telegram", "email")], id=f"x{number}", at=stage.clock.now())
            await stage.dispatch()
            await asyncio.sleep(5)
        stage.announce([everyone("telegram", "email")], id="a9", at=stage.clock.now())
        before = asyncio.get_running_loop().time()
        await stage.dispatch()
        return stage.channels["email"].provider.told[-1][0] - before, len(telegram.sent)

    elapsed, sent = run_virtually(story())
    assert elapsed < 0.1
    assert sent == 0


def test_a_channel_that_comes_back_gets_one_message_first(stage: Stage) -> None:
    telegram = stage.channels["telegram"].provider
    telegram.fault = refused()
    in_flight: list[int] = []

    async def slow(address: str, number: int) -> Accepted:
        in_flight.append(number)
        await asyncio.sleep(1.0)
        return Accepted()

    async def story() -> None:
        stage.announce([member(f"m{n}", ("telegram", f"t{n}")) for n in range(20)])
        run = asyncio.create_task(stage.dispatch())
        await until(lambda: any(e.what is Happening.CHANNEL_DOWN for e in stage.events))
        telegram.fault, telegram.behave = None, slow
        await until(lambda: bool(in_flight))
        await asyncio.sleep(0.9)
        assert len(in_flight) == 1
        await run

    run_virtually(story())
    assert stage.counts().states == {"reached": 20}


def test_our_own_site_goes_first_and_the_others_carry_its_page(path: Path) -> None:
    site = StageChannel("site", publishes=True)

    async def publish(address: str, number: int) -> Accepted:
        await asyncio.sleep(0.5)
        return Accepted(reference="https://club.example/a1", delivered=True)

    site.provider.behave = publish
    stage = Stage(path, {"site": site, "email": StageChannel("email")})
    stage.announce([place("site"), everyone("email")], gate_s=5)
    run_virtually(stage.dispatch())
    [(moment, _)] = stage.channels["email"].provider.told
    assert 0.5 <= moment < 1.5
    stage.close()


def test_a_site_that_hangs_holds_the_others_up_for_five_seconds_only(path: Path) -> None:
    site = StageChannel("site", publishes=True)
    site.provider.hangs = True
    stage = Stage(path, {"site": site, "email": StageChannel("email")})
    stage.announce([place("site"), everyone("email")], gate_s=5)

    async def story() -> None:
        run = asyncio.create_task(stage.dispatch())
        await until(lambda: bool(stage.channels["email"].provider.told), 10)
        run.cancel()
        await asyncio.gather(run, return_exceptions=True)

    run_virtually(story())
    [(moment, _)] = stage.channels["email"].provider.told
    assert moment < 5.5
    stage.close()


def test_nobody_waits_for_a_site_that_is_judged_down(path: Path) -> None:
    """A club's WordPress may be down like any other platform; a known outage is free (P4)."""
    site = StageChannel("blog", publishes=True)
    site.provider.fault = refused()
    stage = Stage(path, {"blog": site, "email": StageChannel("email")})
    told = stage.channels["email"].provider.told

    async def story() -> None:
        for id in ("a1", "a2"):
            stage.announce([place("blog"), everyone("email")], gate_s=60, id=id)
            run = asyncio.create_task(stage.dispatch())
            before = len(told)
            await until(lambda known=before: len(told) > known, 30)  # type: ignore[misc]
            run.cancel()
            await asyncio.gather(run, return_exceptions=True)

    run_virtually(story())
    assert [moment < 30 for moment, _ in told] == [True, True]
    stage.close()


def test_of_two_pages_the_first_channels_is_the_link(path: Path) -> None:
    first, second = (StageChannel(name, publishes=True) for name in ("site", "blog"))

    def publish(after_s: float, page: str) -> Behaviour:
        async def behave(address: str, number: int) -> Accepted:
            await asyncio.sleep(after_s)
            return Accepted(reference=page, delivered=True)

        return behave

    first.provider.behave = publish(2, "https://club.example/a1")
    second.provider.behave = publish(1, "https://blog.example/a1")
    stage = Stage(path, {"site": first, "blog": second, "email": StageChannel("email")})
    stage.announce([place("blog"), place("site"), everyone("email")], gate_s=5)
    run_virtually(stage.dispatch())
    assert published_at(stage.ledger, "a1", ["site", "blog"], []) == (0, "https://club.example/a1")
    assert published_at(stage.ledger, "a1", ["blog", "site"], []) == (0, "https://blog.example/a1")
    stage.close()


def test_quiet_hours_hold_what_rings(path: Path) -> None:
    from datetime import UTC, datetime

    from tests.virtual_time import VirtualClock

    stage = Stage(
        path,
        {"sms": StageChannel("sms", rings=True)},
        clock=VirtualClock(datetime(2026, 11, 28, 23, 0, tzinfo=UTC)),
    )
    stage.announce([member("Ann", ("sms", "+33199000001"))], Importance.NORMAL, at=stage.clock.begin)
    assert run_virtually(stage.dispatch()) is RunEnd.NOTHING_SOON
    assert stage.channels["sms"].provider.sent == []
    assert stage.counts().held == 1
    stage.close()
