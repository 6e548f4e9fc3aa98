"""Which places catch up, and above all which do not."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from fallback_cast.model.delivery import Attempt, Outcome, RecipientKind, Route, State
from fallback_cast.model.outages import PassedChain, Trouble
from fallback_cast.routing.catch_up import plan_catch_up
from tests.virtual_time import BEGIN

HOUR = timedelta(hours=1)
CHAIN = PassedChain(
    announcement_id="a1",
    revision=1,
    kind=RecipientKind.EVERYONE,
    state=State.REACHED,
    routes=(Route("telegram", "@club"), Route("email", "list@example.org"), Route("sms", "+33199000001")),
    via="email",
    opened_at=BEGIN,
    closed_at=BEGIN + timedelta(minutes=1),
    expires_at=BEGIN + 24 * HOUR,
)
DOWN = (Trouble(BEGIN - HOUR, BEGIN + HOUR),)
NOW = BEGIN + 2 * HOUR


def attempt(outcome: Outcome, error: str | None = None) -> Attempt:
    return Attempt(
        key="k",
        number=1,
        channel="telegram",
        provider="telegram",
        address="@club",
        outcome=outcome,
        begun_at=BEGIN,
        error=error,
    )


def planned(chain: PassedChain = CHAIN, channel: str = "telegram", **options: object) -> list[Route]:
    given: dict[str, object] = {"troubles": DOWN, "now": NOW} | options
    place = {"telegram": "@club", "email": "list@example.org", "sms": "+33199000001"}[channel]
    return [one.route for one in plan_catch_up(channel, place, [chain], **given)]  # type: ignore[arg-type]


def test_a_place_that_was_passed_over_catches_up() -> None:
    assert planned() == [Route("telegram", "@club")]


@pytest.mark.parametrize(
    "tried", [(), (attempt(Outcome.FAILED, "unavailable"),), (attempt(Outcome.FAILED, "access-denied"),)]
)
def test_failed_attempts_do_not_count_as_told(tried: tuple[Attempt, ...]) -> None:
    assert planned(replace(CHAIN, tried=tried)) != []


@pytest.mark.parametrize(
    "chain",
    [
        replace(CHAIN, expires_at=NOW),
        replace(CHAIN, via="telegram"),  # its own chain ended there
        replace(CHAIN, tried=(attempt(Outcome.ACCEPTED),)),
        replace(CHAIN, tried=(attempt(Outcome.BEGUN),)),
        replace(CHAIN, tried=(attempt(Outcome.UNKNOWN, "outcome-unknown"),)),  # perhaps it is there already
        replace(CHAIN, tried=(attempt(Outcome.FAILED, "message-refused"),)),
        replace(CHAIN, tried=(attempt(Outcome.FAILED, "address-refused"),)),
        replace(CHAIN, state=State.UNREACHED, via=None),
        replace(CHAIN, kind=RecipientKind.MEMBER),  # a member who was reached is not told again
        replace(CHAIN, kind=RecipientKind.PLACE),
        replace(CHAIN, routes=CHAIN.routes[1:]),
    ],
)
def test_who_gets_none(chain: PassedChain) -> None:
    assert planned(chain) == []


def test_a_place_whose_turn_never_came_gets_none() -> None:
    assert planned(channel="sms") == []


def test_what_may_have_gone_out_is_posted_again_only_where_it_is_recognised() -> None:
    unknown = replace(CHAIN, tried=(attempt(Outcome.UNKNOWN, "outcome-unknown"),))
    assert planned(unknown, deduplicates=True) == [Route("telegram", "@club")]


@pytest.mark.parametrize(
    ("trouble", "missed"),
    [
        (Trouble(BEGIN - HOUR, None), True),
        (Trouble(BEGIN - 2 * HOUR, BEGIN - HOUR), False),  # it was over before
        (Trouble(BEGIN + timedelta(minutes=10), BEGIN + HOUR), True),  # found out a little later
        (Trouble(BEGIN + HOUR, BEGIN + 2 * HOUR), False),  # another day's outage
        (Trouble(BEGIN, BEGIN), True),  # a single failure at that moment
    ],
)
def test_the_channel_must_have_been_out_then(trouble: Trouble, missed: bool) -> None:
    assert bool(planned(troubles=(trouble,))) is missed
    assert planned(troubles=()) == []


def test_a_member_who_was_not_reached_reads_it_in_the_place() -> None:
    chain = replace(CHAIN, kind=RecipientKind.MEMBER, state=State.UNREACHED, via=None)
    assert planned(chain) == [Route("telegram", "@club")]
    own = replace(chain, routes=(Route("telegram", "12345"),))
    assert planned(own) == []  # an own address is no place


def test_one_for_an_announcement_however_many_chains_missed_it() -> None:
    chain = replace(CHAIN, kind=RecipientKind.MEMBER, state=State.UNREACHED, via=None)
    found = list(plan_catch_up("telegram", "@club", [CHAIN, chain, chain], DOWN, NOW))
    assert len(found) == 1
