"""The journal over a real ledger: what is durable when, in how many commits, and what if it cannot be."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import pytest
from sqlalchemy import text

from fallback_cast.dispatch.desk import Desk
from fallback_cast.dispatch.journal import Journal
from fallback_cast.ledger.claim import active_announcements, claim
from fallback_cast.ledger.open import Ledger
from fallback_cast.ledger.record import AlreadyBegun, Begun, Closed, Moved, Suppressed
from fallback_cast.ledger.view import each_delivery
from fallback_cast.model.delivery import Attempt, Outcome, State, Why
from fallback_cast.model.errors import LedgerError
from tests.dispatch.stage import Stage, StageChannel, member
from tests.virtual_time import BEGIN, run_virtually

P = ParamSpec("P")
T = TypeVar("T")

MEMBERS = 120
COMMIT_S = 0.01


class CountingDesk(Desk):
    """A desk whose commits take a while, and fail on demand."""

    def __init__(self, ledger: Ledger) -> None:
        super().__init__(ledger, inline=True)
        self.commits = 0
        self.full = False
        self.broken: Exception | None = None

    async def run(self, call: Callable[Concatenate[Ledger, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        self.commits += 1
        await asyncio.sleep(COMMIT_S)
        if self.full:
            raise LedgerError("the ledger cannot be written: the disk is full")
        if self.broken is not None:
            raise self.broken
        return await super().run(call, *args, **kwargs)


@dataclass
class Scene:
    stage: Stage
    desk: CountingDesk
    moved: list[Moved] = field(default_factory=list)

    def journal(self, owner: str = "one") -> Journal:
        """Made inside the loop, like a dispatcher's."""
        return Journal(self.desk, owner, self.moved.append)

    def outcomes(self) -> dict[str, str]:
        with self.stage.ledger.reading() as connection:
            return {r.key: r.outcome for r in connection.execute(text("SELECT key, outcome FROM attempt"))}

    def suppressed(self) -> set[str]:
        with self.stage.ledger.reading() as connection:
            return set(connection.execute(text("SELECT address FROM suppression")).scalars())

    def states(self) -> list[str]:
        return [d.state for d in each_delivery(self.stage.ledger, "a1")]

    def claim_all(self, owner: str = "one") -> None:
        [active] = active_announcements(self.stage.ledger)
        lease = BEGIN + timedelta(seconds=60)
        claimed = claim(self.stage.ledger, active, "email", owner, BEGIN, lease, MEMBERS)
        assert len(claimed) == MEMBERS


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    stage = Stage(tmp_path / "ledger.db", {"email": StageChannel("email")})
    stage.announce([member(f"m{n}", ("email", f"m{n}@example.org")) for n in range(MEMBERS)])
    yield Scene(stage, CountingDesk(stage.ledger))
    stage.close()


def begun(number: int) -> Begun:
    attempt = Attempt(
        key=f"key{number}",
        number=1,
        channel="email",
        provider="email",
        address=f"m{number}@example.org",
        outcome=Outcome.BEGUN,
        begun_at=BEGIN,
    )
    return Begun(attempt, "a1", number + 1)


def accepted(number: int) -> Attempt:
    return replace(begun(number).attempt, outcome=Outcome.ACCEPTED, ended_at=BEGIN)


async def fails_with(kind: type[Exception], call: Awaitable[object]) -> None:
    with pytest.raises(kind):
        async with asyncio.timeout(5):
            await call


def test_an_attempt_is_durable_when_its_beginning_returns(scene: Scene) -> None:
    async def story() -> None:
        await scene.journal().begin(begun(1))
        assert scene.outcomes() == {"key1": "begun"}

    run_virtually(story())


def test_a_single_beginning_waits_for_one_commit_and_nothing_else(scene: Scene) -> None:
    async def story() -> float:
        await scene.journal().begin(begun(1))
        return asyncio.get_running_loop().time()

    assert run_virtually(story()) < 2 * COMMIT_S
    assert scene.desk.commits == 1


def test_what_comes_together_shares_a_commit(scene: Scene) -> None:
    async def story() -> None:
        journal = scene.journal()
        await asyncio.gather(*(journal.begin(begun(n)) for n in range(MEMBERS)))
        assert len(scene.outcomes()) == MEMBERS

    run_virtually(story())
    assert scene.desk.commits <= 2


def test_what_comes_during_a_commit_shares_the_next(scene: Scene) -> None:
    async def story() -> None:
        journal = scene.journal()

        async def late(number: int) -> None:
            await asyncio.sleep(COMMIT_S * number / MEMBERS)
            await journal.begin(begun(number))

        await asyncio.gather(*map(late, range(MEMBERS)))

    run_virtually(story())
    assert len(scene.outcomes()) == MEMBERS
    assert scene.desk.commits <= 4


def test_outcomes_wait_for_company_but_not_for_long(scene: Scene) -> None:
    async def story() -> None:
        journal = scene.journal()
        await asyncio.gather(*(journal.begin(begun(n)) for n in range(20)))
        before = scene.desk.commits
        for number in range(20):
            journal.end(accepted(number))
            await asyncio.sleep(0.0005)
        await asyncio.sleep(0.1)  # nobody asks for them
        assert set(scene.outcomes().values()) == {"accepted"}
        assert scene.desk.commits - before <= 4

    run_virtually(story())


def test_what_follows_an_end_follows_it_only_once_it_is_durable(scene: Scene) -> None:
    seen: list[str] = []

    async def story() -> None:
        journal = scene.journal()
        await journal.begin(begun(1))
        journal.end(accepted(1), lambda: seen.append(scene.outcomes()["key1"]))
        assert seen == []
        await journal.flush()

    run_virtually(story())
    assert seen == ["accepted"]


def test_a_flush_returns_when_everything_said_before_is_durable(scene: Scene) -> None:
    scene.claim_all()

    async def story() -> None:
        journal = scene.journal()
        await journal.begin(begun(1))
        journal.end(accepted(1))
        journal.close_delivery(Closed(2, State.REACHED, BEGIN, "email"))
        journal.move(Moved(3, "email", Why.RETRY, BEGIN + timedelta(seconds=9)))
        await journal.flush()
        assert scene.outcomes() == {"key1": "accepted"}
        found = list(each_delivery(scene.stage.ledger, "a1"))
        assert found[1].state == "reached"
        assert (found[2].why, found[2].next_at) == ("retry", BEGIN + timedelta(seconds=9))
        assert [moved.delivery_id for moved in scene.moved] == [3]  # and its lane heard of it
        before = scene.desk.commits
        await journal.flush()  # nothing was said since
        assert scene.desk.commits == before

    run_virtually(story())


def test_an_attempt_that_another_has_begun_is_refused_alone(scene: Scene) -> None:
    async def story() -> list[object]:
        await scene.journal("another").begin(begun(1))
        journal = scene.journal()
        results = await asyncio.gather(
            *(journal.begin(begun(number)) for number in range(4)), return_exceptions=True
        )
        assert journal.failure is None
        await journal.begin(begun(9))  # and the journal goes on
        return results

    results = run_virtually(story())
    assert [type(result) for result in results] == [type(None), AlreadyBegun, type(None), type(None)]
    assert set(scene.outcomes()) == {"key0", "key1", "key2", "key3", "key9"}


def test_what_shares_a_commit_with_a_refused_beginning_is_not_lost(scene: Scene) -> None:
    scene.claim_all()

    async def story() -> None:
        await scene.journal("another").begin(begun(1))
        journal = scene.journal()
        await journal.begin(begun(2))
        journal.end(accepted(2))
        journal.close_delivery(Closed(3, State.REACHED, BEGIN, "email"))
        await fails_with(AlreadyBegun, journal.begin(begun(1)))
        await journal.flush()

    run_virtually(story())
    assert scene.outcomes() == {"key1": "begun", "key2": "accepted"}
    assert scene.states()[2] == "reached"


@pytest.mark.parametrize("fault", [LedgerError("full"), RuntimeError("a bug")])
def test_a_ledger_that_cannot_be_written_stops_everything(scene: Scene, fault: Exception) -> None:
    alarms: list[str] = []

    async def story() -> None:
        journal = scene.journal()
        journal.on_failure = lambda: alarms.append("stop")
        await journal.begin(begun(1))
        scene.desk.broken = fault
        journal.end(accepted(1), lambda: alarms.append("never"))
        begin = asyncio.create_task(journal.begin(begun(2)))
        flush = asyncio.create_task(journal.flush())
        await fails_with(type(fault), begin)
        await fails_with(type(fault), flush)
        assert journal.failure is fault
        scene.desk.broken = None  # even if there is room again: what was lost in between is not known
        await fails_with(type(fault), journal.begin(begun(3)))
        await fails_with(type(fault), journal.flush())
        journal.end(accepted(1))
        journal.move(Moved(3, "email", Why.RETRY, BEGIN))
        journal.close_delivery(Closed(4, State.REACHED, BEGIN))
        await asyncio.sleep(1)

    run_virtually(story())
    assert alarms == ["stop"]
    assert scene.outcomes() == {"key1": "begun"}  # never "unsent", never "accepted" by guess
    assert set(scene.states()) == {"open"}
    assert scene.moved == []


def test_nobody_waits_for_ever_for_a_ledger_that_is_full(scene: Scene) -> None:
    async def story() -> None:
        journal = scene.journal()
        scene.desk.full = True
        tasks = [asyncio.create_task(journal.begin(begun(number))) for number in range(30)]
        async with asyncio.timeout(1):
            results = await asyncio.gather(*tasks, return_exceptions=True)
        assert {type(result) for result in results} == {LedgerError}

    run_virtually(story())
    assert scene.outcomes() == {}


def test_only_the_owner_moves_and_closes(scene: Scene) -> None:
    scene.claim_all(owner="another")

    async def story() -> None:
        journal = scene.journal()
        journal.close_delivery(Closed(1, State.UNREACHED, BEGIN))
        journal.move(Moved(2, "sms", Why.RETRY, BEGIN))
        await journal.flush()

    run_virtually(story())
    found = list(each_delivery(scene.stage.ledger, "a1"))
    assert (found[0].state, found[1].why) == ("open", "queued")


def test_who_waits_for_a_key_is_woken_and_late_news_are_due_at_once(scene: Scene) -> None:
    scene.claim_all()
    later, now = BEGIN + timedelta(hours=1), BEGIN + timedelta(seconds=1)

    async def story() -> None:
        journal = scene.journal()
        journal.move(Moved(1, "email", Why.SENDING, later, "key1"))
        journal.move(Moved(2, "email", Why.SENDING, later, "key2"))
        journal.move(Moved(3, "email", Why.RETRY, later))
        await journal.flush()
        journal.wake("key1", now)
        journal.touch(3, now)
        journal.touch(4, now)  # its owner holds it: not torn from it
        await journal.flush()

    run_virtually(story())
    found = list(each_delivery(scene.stage.ledger, "a1"))
    assert [d.next_at for d in found[:3]] == [now, later, now]
    assert found[3].next_at == BEGIN + timedelta(seconds=60)


def test_a_suppression_taken_back_leaves_no_trace(scene: Scene) -> None:
    async def story() -> None:
        journal = scene.journal()
        for number in range(3):
            journal.suppress(Suppressed("email", f"m{number}@example.org", "refused", "550", BEGIN))
        journal.unsuppress("email", "m1@example.org")  # in the same commit
        await journal.begin(begun(1))
        assert scene.suppressed() == {"m0@example.org", "m2@example.org"}
        journal.unsuppress("email", "m2@example.org")  # after it
        journal.end(accepted(1))
        await journal.flush()
        assert scene.suppressed() == {"m0@example.org"}

    run_virtually(story())
