"""Paid channels never go beyond their caps; who is left over gets the next route, or is named."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fallback_cast.dispatch.purse import FULL, Purse
from fallback_cast.ledger.spending import Spent, spent_since
from fallback_cast.model.channel import Cap
from fallback_cast.model.delivery import Attempt, Outcome
from fallback_cast.model.errors import MessageRefused, OutcomeUnknown, Unavailable
from fallback_cast.model.message import Accepted, Message
from tests.dispatch.stage import Stage, StageChannel, StageProvider, member
from tests.virtual_time import BEGIN, VirtualClock, run_virtually


class Priced(StageChannel):
    """A stage channel that costs seven cents a message."""

    def __init__(self, name: str, cap: Cap, *providers: StageProvider) -> None:
        super().__init__(name, *providers, paid=True, rings=True)
        self.cap = cap

    def cost(self, message: Message) -> Decimal | None:
        return Decimal("0.07")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.db"


def club(path: Path, cap: Cap) -> Stage:
    return Stage(path, {"sms": Priced("sms", cap), "email": StageChannel("email")})


@pytest.fixture
def stage(path: Path) -> Iterator[Stage]:
    stage = club(path, Cap(max_per_day=10))
    yield stage
    stage.close()


def members(count: int, *channels: str, first: int = 0):
    return [member(f"m{n}", *((c, f"{c}{n}") for c in channels)) for n in range(first, first + count)]


def told(stage: Stage, channel: str) -> int:
    return len(stage.channels[channel].provider.told)


def test_beyond_the_cap_the_next_route_is_taken(stage: Stage) -> None:
    stage.announce(members(300, "sms", "email"))
    run_virtually(stage.dispatch())
    assert (told(stage, "sms"), told(stage, "email")) == (10, 290)
    assert stage.counts().states == {"reached": 300}


def test_who_has_no_other_route_is_unreached_and_told_why(stage: Stage) -> None:
    stage.announce(members(12, "sms"))
    run_virtually(stage.dispatch())
    assert stage.counts().states == {"reached": 10, "unreached": 2}
    with stage.ledger.reading() as connection:
        rows = connection.exec_driver_sql("SELECT reasons FROM delivery WHERE state = 'unreached'").all()
    assert [row.reasons for row in rows] == [f'["sms: {FULL}"]'] * 2


def test_the_cap_counts_all_announcements_of_a_day_and_every_run(path: Path) -> None:
    for number in range(2):
        stage = club(path, Cap(max_per_day=10))
        stage.announce(members(8, "sms", "email"), id=f"a{number}")
        run_virtually(stage.dispatch())
        stage.close()
        assert (told(stage, "sms"), told(stage, "email")) == ((8, 0), (2, 6))[number]


def test_a_new_day_begins_with_nothing_spent(path: Path) -> None:
    stage = club(path, Cap(max_per_day=3))
    stage.announce(members(5, "sms", "email"))
    run_virtually(stage.dispatch())
    tomorrow = BEGIN + timedelta(days=1)
    later = club(path, Cap(max_per_day=3))
    later.clock = VirtualClock(tomorrow)
    later.announce(members(5, "sms", "email"), id="a2", at=tomorrow)
    run_virtually(later.dispatch())
    assert (told(later, "sms"), told(later, "email")) == (3, 2)
    stage.close()
    later.close()


def test_money_is_capped_too(path: Path) -> None:
    stage = club(path, Cap(max_cost=Decimal("0.50")))
    stage.announce(members(20, "sms", "email"))
    run_virtually(stage.dispatch())
    assert (told(stage, "sms"), told(stage, "email")) == (7, 13)  # seven cost 0.49
    assert spent_since(stage.ledger, ["sms"], BEGIN) == {"sms": Spent(7, Decimal("0.49"))}
    stage.close()


@pytest.mark.parametrize(("fault", "paid_for"), [(Unavailable("busy"), 0), (OutcomeUnknown("no answer"), 1)])
def test_what_surely_was_not_sent_costs_nothing(path: Path, fault: Exception, paid_for: int) -> None:
    """An unknown outcome may have gone out: it counts."""
    stage = club(path, Cap(max_per_day=10))
    sms = stage.channels["sms"].provider

    async def behave(address: str, number: int) -> Accepted:
        if address == "sms0":
            raise fault if isinstance(fault, OutcomeUnknown) else MessageRefused("not this one")
        return Accepted()

    sms.behave = behave
    stage.announce(members(12, "sms", "email"))
    run_virtually(stage.dispatch())
    # Those of its turn who were decided before the refusal went on to the next route.
    assert told(stage, "sms") in ({10, 9} if paid_for == 0 else {9})
    assert spent_since(stage.ledger, ["sms"], BEGIN)["sms"].messages == told(stage, "sms") + paid_for
    stage.close()


class Noon(VirtualClock):
    def now(self) -> datetime:
        return BEGIN


def attempt(cost: Decimal) -> Attempt:
    return Attempt(
        key="k",
        number=1,
        channel="sms",
        provider="sms",
        address="a",
        outcome=Outcome.FAILED,
        begun_at=BEGIN,
        cost=cost,
    )


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 50))), st.integers(1, 9), st.integers(0, 200))
def test_a_purse_never_goes_beyond_its_cap(moves: list[tuple[bool, int]], messages: int, cents: int) -> None:
    purse = Purse({"sms": Cap(messages, Decimal(cents))}, "Europe/Paris", Noon())
    held: list[Decimal] = []
    for take, amount in moves:
        cost = Decimal(amount)
        if take:
            fits = len(held) < messages and sum(held) + cost <= cents
            assert purse.take("sms", cost) is fits
            if fits:
                held.append(cost)
            assert (purse.ended("sms", cost) == "") is (len(held) < messages and sum(held) + cost <= cents)
        elif held:
            purse.give_back(attempt(held.pop()))
    assert purse.take("email", Decimal(10_000))  # no cap of its own
