"""Corrections and cancellations: exactly those who need them hear of them (design §8)."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from fallback_cast.dispatch.report import exit_code, report
from fallback_cast.ledger.amend import correction_of
from fallback_cast.ledger.view import each_delivery, header
from fallback_cast.model.errors import AddressRefused, MessageRefused, OutcomeUnknown, UserError
from fallback_cast.model.message import Accepted
from tests.dispatch.stage import Stage, StageChannel, StageProvider, member, place, refused
from tests.virtual_time import run_virtually


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(
        tmp_path / "ledger.db",
        {
            "page": StageChannel("page", publishes=True, local=True, edits=True, deduplicates=True),
            "chat": StageChannel("chat", edits=True),
            "email": StageChannel("email"),
            "sms": StageChannel("sms"),
        },
    )
    yield made
    made.close()


def provider(stage: Stage, name: str) -> StageProvider:
    return stage.channels[name].provider


def texts(stage: Stage, name: str) -> list[tuple[str, str]]:
    return [(address, text.strip()) for address, text in provider(stage, name).texts]


def edits(stage: Stage, name: str) -> list[tuple[str, str]]:
    return [(address, text.strip()) for address, _, text in provider(stage, name).edits]


def virtually(story: Callable[[Stage], Awaitable[None]]) -> Callable[[Stage], None]:
    @functools.wraps(story)
    def test(stage: Stage) -> None:
        async def told() -> None:
            await story(stage)

        run_virtually(told())

    return test


async def gone(address: str, number: int) -> Accepted:
    raise AddressRefused("550 5.1.1")


def states(stage: Stage) -> dict[str, str]:
    return {view.recipient: view.state for view in each_delivery(stage.ledger, "a1")}


def code_of(stage: Stage) -> int:
    found = report(stage.ledger, "a1", {}, {}, stage.clock.now())
    assert found is not None
    return exit_code(found)


@virtually
async def test_what_is_queued_takes_the_new_text_without_a_mark(stage: Stage) -> None:
    stage.announce([member("Ann", ("email", "ann")), place("page")])
    done = stage.correct("New")
    assert done is not None
    assert (done.revision, done.due) == (2, 0)
    await stage.dispatch()
    assert texts(stage, "email") == [("ann", "New")]
    assert texts(stage, "page") == [("place", "New")]


@virtually
async def test_those_who_were_told_get_a_correction_and_the_page_is_rewritten(stage: Stage) -> None:
    stage.announce([member("Ann", ("email", "ann"), ("sms", "1")), place("page")], gate_s=5)
    await stage.dispatch()
    stage.correct("New")
    assert header(stage.ledger, "a1").state == "dispatching"  # type: ignore[union-attr]
    await stage.dispatch()
    assert texts(stage, "email") == [("ann", "Title a1"), ("ann", "CORRECTION New")]
    assert edits(stage, "page") == [("place", "CORRECTION New")]
    assert texts(stage, "sms") == []
    assert states(stage) == {"Ann": "reached", "page": "reached"}
    news = correction_of(stage.ledger, "a1")
    assert news is not None
    assert (news.due, news.told, news.pending) == (2, 2, 0)
    assert code_of(stage) == 0
    assert header(stage.ledger, "a1").state == "settled"  # type: ignore[union-attr]


@virtually
async def test_the_same_correction_twice_is_one(stage: Stage) -> None:
    stage.announce([member("Ann", ("email", "ann"))])
    await stage.dispatch()
    stage.correct("New")
    assert stage.correct("New") is None
    await stage.dispatch()
    assert stage.correct("New") is None
    await stage.dispatch()
    assert len(texts(stage, "email")) == 2


@virtually
async def test_a_correction_of_a_correction_edits_the_first_message(stage: Stage) -> None:
    stage.announce([member("Ann", ("chat", "room"))])
    await stage.dispatch()
    for title in ("Second", "Third"):
        stage.correct(title)
        await stage.dispatch()
    assert provider(stage, "chat").edits == [
        ("room", "chat-1", "CORRECTION Second "),
        ("room", "chat-1", "CORRECTION Third "),
    ]
    assert len(texts(stage, "chat")) == 1


@virtually
async def test_two_corrections_at_once_are_told_as_the_newest(stage: Stage) -> None:
    stage.announce([member("Ann", ("email", "ann"))])
    await stage.dispatch()
    stage.correct("Second")
    stage.correct("Third")
    await stage.dispatch()
    assert texts(stage, "email") == [("ann", "Title a1"), ("ann", "CORRECTION Third")]


@virtually
async def test_what_cannot_be_edited_gets_a_new_message(stage: Stage) -> None:
    stage.announce([member("Ann", ("chat", "room"))])
    await stage.dispatch()
    provider(stage, "chat").edit_fault = MessageRefused("gone")
    stage.correct("New")
    await stage.dispatch()
    assert texts(stage, "chat") == [("room", "Title a1"), ("room", "CORRECTION New")]


@virtually
async def test_a_correction_falls_back_to_the_next_channel(stage: Stage) -> None:
    stage.announce([member("Ann", ("email", "ann"), ("sms", "1"))])
    await stage.dispatch()
    provider(stage, "email").behave = gone
    stage.correct("New")
    await stage.dispatch()
    assert texts(stage, "sms") == [("1", "CORRECTION New")]
    assert code_of(stage) == 0


@virtually
async def test_a_couple_with_one_mailbox_hears_it_once_and_falls_back_each_to_their_own(stage: Stage) -> None:
    both = [member("Ann", ("email", "home"), ("sms", "1")), member("Bob", ("email", "home"), ("sms", "2"))]
    stage.announce(both)
    await stage.dispatch()
    stage.correct("Second")
    await stage.dispatch()
    assert texts(stage, "email") == [("home", "Title a1"), ("home", "CORRECTION Second")]
    provider(stage, "email").behave = gone
    stage.correct("Third")
    await stage.dispatch()
    assert sorted(texts(stage, "sms")) == [("1", "CORRECTION Third"), ("2", "CORRECTION Third")]


@virtually
async def test_who_may_have_been_told_gets_the_correction_and_is_reached_by_it(stage: Stage) -> None:
    async def lost(address: str, number: int) -> Accepted:
        raise OutcomeUnknown("the answer was lost")

    stage.announce([member("Ann", ("email", "ann"))])
    provider(stage, "email").behave = lost
    await stage.dispatch()
    assert states(stage) == {"Ann": "unreached"}
    provider(stage, "email").behave = None
    stage.correct("New")
    await stage.dispatch()
    assert texts(stage, "email") == [("ann", "CORRECTION New")]
    assert states(stage) == {"Ann": "reached"}


@virtually
async def test_who_was_never_told_gets_no_correction(stage: Stage) -> None:
    stage.announce([member("Ann", ("email", "ann")), member("Bob", ("sms", "1"))])
    provider(stage, "email").behave = gone
    await stage.dispatch()
    provider(stage, "email").behave = None
    stage.correct("New")
    await stage.dispatch()
    assert texts(stage, "email") == []
    assert texts(stage, "sms") == [("1", "Title a1"), ("1", "CORRECTION New")]
    assert states(stage) == {"Ann": "unreached", "Bob": "reached"}


@virtually
async def test_an_attempt_in_flight_is_treated_when_it_ends(stage: Stage) -> None:
    async def slow(address: str, number: int) -> Accepted:
        await asyncio.sleep(3)
        if address == "bob":
            raise refused()
        return Accepted(f"m-{number}")

    async def story() -> None:
        running = asyncio.create_task(stage.dispatch())
        await asyncio.sleep(1)
        stage.correct("New")
        await asyncio.sleep(1)
        provider(stage, "email").behave = None
        await running

    provider(stage, "email").behave = slow
    stage.announce([member("Ann", ("email", "ann")), member("Bob", ("email", "bob"))])
    await story()
    assert [t for a, t in texts(stage, "email") if a == "ann"] == ["Title a1", "CORRECTION New"]
    assert [t for a, t in texts(stage, "email") if a == "bob"] == ["New"]
    assert states(stage) == {"Ann": "reached", "Bob": "reached"}
    news = correction_of(stage.ledger, "a1")
    assert news is not None
    assert (news.due, news.told) == (1, 1)


@virtually
async def test_in_the_middle_of_a_dispatch_each_is_told_the_newest_text(stage: Stage) -> None:
    many = [member(f"m{n}", ("email", f"m{n}")) for n in range(400)]

    async def story() -> None:
        running = asyncio.create_task(stage.dispatch())
        await asyncio.sleep(0.06)
        stage.correct("New")
        await running

    stage.announce(many)
    await story()
    last = dict(texts(stage, "email"))
    assert len(last) == 400
    assert {text.removeprefix("CORRECTION ") for text in last.values()} == {"New"}
    told_old = {a for a, text in texts(stage, "email") if text == "Title a1"}
    assert 0 < len(told_old) < 400
    assert {a for a, text in texts(stage, "email") if text == "CORRECTION New"} == told_old
    assert len(texts(stage, "email")) == 400 + len(told_old)


@virtually
async def test_cancelled_before_anything_is_sent_sends_nothing(stage: Stage) -> None:
    stage.announce([member("Ann", ("email", "ann")), place("page")])
    stage.cancel()
    await stage.dispatch()
    assert texts(stage, "email") == texts(stage, "page") == []
    assert set(states(stage).values()) == {"cancelled"}
    assert header(stage.ledger, "a1").state == "cancelled"  # type: ignore[union-attr]
    assert code_of(stage) == 0


@virtually
async def test_a_cancellation_is_told_to_those_who_knew(stage: Stage) -> None:
    stage.announce([member("Ann", ("email", "ann")), member("Bob", ("sms", "1")), place("page")])
    provider(stage, "sms").fault = refused()
    await stage.dispatch()
    provider(stage, "sms").fault = None
    stage.cancel("It was a mistake.")
    assert stage.cancel() is None
    await stage.dispatch()
    assert texts(stage, "email") == [("ann", "Title a1"), ("ann", "CANCELLED Title a1")]
    assert edits(stage, "page") == [("place", "CANCELLED Title a1")]
    assert texts(stage, "sms") == []
    assert states(stage) == {"Ann": "reached", "Bob": "cancelled", "page": "reached"}
    assert header(stage.ledger, "a1").state == "cancelled"  # type: ignore[union-attr]
    with pytest.raises(UserError, match="cancelled"):
        stage.correct("Later")


@virtually
async def test_cancelled_in_mid_flight(stage: Stage) -> None:
    async def slow(address: str, number: int) -> Accepted:
        await asyncio.sleep(3)
        return Accepted(f"m-{number}")

    async def story() -> None:
        running = asyncio.create_task(stage.dispatch())
        await asyncio.sleep(1)
        stage.cancel()
        await running

    provider(stage, "email").behave = slow
    stage.announce([member("Ann", ("email", "ann")), member("Bob", ("sms", "1"))])
    await story()
    assert texts(stage, "email") == [("ann", "Title a1"), ("ann", "CANCELLED Title a1")]
    assert states(stage)["Ann"] == "reached"
    assert header(stage.ledger, "a1").state == "cancelled"  # type: ignore[union-attr]


@virtually
async def test_what_has_expired_is_not_corrected(stage: Stage) -> None:
    stage.announce([member("Ann", ("email", "ann"))])

    async def story() -> None:
        await stage.dispatch()
        await asyncio.sleep(25 * 3600)
        with pytest.raises(UserError, match="expired"):
            stage.correct("New")
        with pytest.raises(UserError, match="expired"):
            stage.cancel()

    await story()
