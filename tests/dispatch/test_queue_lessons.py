"""What a lane holds, in which order; and what one outcome teaches about the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from fallback_cast.dispatch.desk import Desk
from fallback_cast.dispatch.journal import Journal
from fallback_cast.dispatch.lessons import Lessons
from fallback_cast.dispatch.queue import Job, Queue
from fallback_cast.ledger.claim import Active, Claim
from fallback_cast.ledger.record import Begun
from fallback_cast.model.delivery import Attempt, Delivery, Outcome, RecipientKind, Route
from fallback_cast.routing.decide import Send
from tests.dispatch.stage import Stage, StageChannel
from tests.virtual_time import BEGIN, run_virtually


def active(importance: str = "normal", id: str = "a1") -> Active:
    return Active(id, importance, BEGIN, BEGIN, None, None, 1, BEGIN + timedelta(days=1), False)


def delivery(number: int = 1, kind: RecipientKind = RecipientKind.MEMBER) -> Delivery:
    return Delivery(
        id=number,
        announcement_id="a1",
        recipient=f"m{number}",
        kind=kind,
        routes=(Route("email", f"m{number}@example.org"),),
        revision=1,
        opened_at=BEGIN,
        expires_at=BEGIN + timedelta(days=1),
    )


# -- the queue ---------------------------------------------------------------------------------


def job(number: int, importance: str) -> Job:
    held = Claim(delivery(number), ())
    return Job(active(importance), held, Send(held.delivery.routes[0], "email"), f"key{number}", 0)


def numbers(jobs: list[Job]) -> list[int]:
    return [job.held.delivery.id for job in jobs]


def filled() -> Queue:
    queue = Queue()
    for number, importance in enumerate(("info", "normal", "urgent", "normal", "urgent", "info"), 1):
        queue.push(job(number, importance))
    return queue


def test_the_most_important_goes_first_and_equals_in_their_order() -> None:
    queue = filled()
    assert numbers([queue.pop() for _ in range(len(queue))]) == [3, 5, 2, 4, 1, 6]
    with pytest.raises(IndexError):
        queue.pop()


def test_a_queue_says_what_comes_next_and_what_is_at_least_as_important() -> None:
    queue = filled()
    assert numbers([queue.head()]) == [3]
    assert [queue.ahead(rank) for rank in range(3)] == [2, 4, 6]
    assert len(queue) == 6


def test_all_that_is_taken_is_gone_and_nothing_is_lost() -> None:
    queue = filled()
    assert numbers(list(queue)) == numbers(queue.take_all()) == [3, 5, 2, 4, 1, 6]
    assert not queue


# -- lessons -----------------------------------------------------------------------------------


class School:
    """Lessons with a journal over a real ledger."""

    def __init__(self, stage: Stage) -> None:
        self.stage, self.lessons, self.learnt = stage, Lessons(), 0

    def learn(self, *outcomes: tuple[str, str], **how: object) -> set[str]:
        """Learn from these errors on these addresses; returns who is suppressed after it."""

        async def story() -> None:
            journal = Journal(Desk(self.stage.ledger, inline=True), "one", lambda _: None)
            for error, address in outcomes:
                self.learnt += 1
                attempt = failed(self.learnt, error, address)
                ended = replace(attempt, place_only=bool(how.get("place_only")))
                kind = how.get("kind", RecipientKind.MEMBER)
                await journal.begin(Begun(attempt, "a1", self.learnt))
                self.lessons.learn(
                    active(id=str(how.get("id", "a1"))),
                    delivery(self.learnt, RecipientKind(str(kind))),
                    ended,
                    journal,
                    BEGIN,
                    is_place=bool(how.get("is_place")),
                )
                journal.end(ended)
            await journal.flush()

        run_virtually(story())
        with self.stage.ledger.reading() as connection:
            return set(connection.execute(text("SELECT address FROM suppression")).scalars())


def failed(number: int, error: str, address: str) -> Attempt:
    return Attempt(
        key=f"key{number}",
        number=1,
        channel="email",
        provider="email",
        address=address,
        outcome=Outcome.FAILED,
        begun_at=BEGIN,
        ended_at=BEGIN,
        error=error,
        reason="550",
    )


@pytest.fixture
def school(tmp_path: Path) -> Iterator[School]:
    stage = Stage(tmp_path / "ledger.db", {"email": StageChannel("email")})
    stage.announce([])
    yield School(stage)
    stage.close()


def at(domain: str) -> Callable[[int], str]:
    return lambda number: f"m{number}@{domain}"


def test_a_refused_address_is_suppressed(school: School) -> None:
    assert school.learn(("address-refused", "m1@example.org")) == {"m1@example.org"}


@pytest.mark.parametrize("error", ["unavailable", "throttled", "access-denied", "outcome-unknown"])
def test_no_other_failure_is_the_addresses_fault(school: School, error: str) -> None:
    assert school.learn(*[(error, "m1@example.org")] * 4) == set()
    assert not school.lessons.ended("a1", "email")


@pytest.mark.parametrize(
    "how",
    [
        {"kind": RecipientKind.PLACE},
        {"kind": RecipientKind.EVERYONE},
        {"is_place": True},
        {"place_only": True},
    ],
)
def test_a_place_is_never_suppressed(school: School, how: dict[str, object]) -> None:
    assert school.learn(("address-refused", "club@example.org"), **how) == set()


def test_three_refusals_of_one_mail_domain_suppress_none_of_them(school: School) -> None:
    name = at("example.org")
    assert len(school.learn(*[("address-refused", name(n)) for n in range(2)])) == 2
    assert school.learn(("address-refused", name(2))) == set()
    assert school.learn(("address-refused", name(3))) == set()  # nor those after it


def test_three_refusals_of_three_domains_are_three_wrong_addresses(school: School) -> None:
    found = school.learn(*[("address-refused", f"ann@{n}.example") for n in range(3)])
    assert found == {"ann@0.example", "ann@1.example", "ann@2.example"}


def test_addresses_without_a_domain_have_none_in_common(school: School) -> None:
    assert len(school.learn(*[("address-refused", f"+331990000{n:02}") for n in range(5)])) == 5


def test_refusals_are_counted_for_each_announcement(school: School) -> None:
    name = at("example.org")
    school.learn(*[("address-refused", name(n)) for n in range(2)])
    assert name(5) in school.learn(("address-refused", name(5)), id="a2")


def test_three_refused_texts_end_the_channel_for_this_announcement_alone(school: School) -> None:
    before = school.lessons.version
    school.learn(*[("message-refused", f"m{n}@example.org") for n in range(2)])
    assert not school.lessons.ended("a1", "email")
    school.learn(("message-refused", "m2@example.org"))
    assert school.lessons.ended("a1", "email")
    assert not school.lessons.ended("a2", "email")
    assert not school.lessons.ended("a1", "sms")
    assert school.lessons.version > before  # whoever has decided already looks again


def test_what_is_settled_is_forgotten(school: School) -> None:
    school.learn(*[("message-refused", "m1@example.org")] * 3)
    school.learn(*[("address-refused", f"m{n}@example.org") for n in range(2)])
    school.lessons.forget("a1")
    assert not school.lessons.ended("a1", "email")
    assert "m2@example.org" in school.learn(("address-refused", "m2@example.org"))
