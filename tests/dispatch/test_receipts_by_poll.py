"""Stories of receipts that are asked for: a wait that ends, and a message that did not arrive."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path

from fallback_cast.dispatch.desk import Desk
from fallback_cast.dispatch.dispatcher import RunEnd
from fallback_cast.dispatch.polling import poll
from fallback_cast.ledger.receipts import Taken
from fallback_cast.ledger.view import each_delivery
from fallback_cast.model.announcement import Importance
from fallback_cast.model.delivery import Outcome
from fallback_cast.model.receipt import PREFIX_LENGTH, Receipt, Told
from tests.dispatch.stage import Stage, StageChannel, StageProvider, member, refused
from tests.virtual_time import run_virtually


class Phone(StageProvider):
    """Knows what became of its messages, after a while."""

    reports_back = polled = True

    def __init__(self) -> None:
        super().__init__("phone")
        self.told_of: dict[str, Told] = {}  # by address
        self.after_s = 7.0
        self.asked = 0
        self.out = False

    async def receipt(self, key: str, reference: str | None, at: datetime) -> Receipt | None:
        self.asked += 1
        if self.out:
            raise refused()
        address = next(address for address, sent in self.sent if sent == key)
        told = self.told_of.get(address)
        since = next(moment for moment, to in self.told if to == address)
        if told is None or asyncio.get_running_loop().time() - since < self.after_s:
            return None
        return Receipt(key_prefix=key[:PREFIX_LENGTH], told=told, source="stage", at=at)


def stage(tmp_path: Path, phone: Phone) -> Stage:
    sms = StageChannel("sms", phone, reports_back=True)
    return Stage(tmp_path / "ledger.db", {"sms": sms, "email": StageChannel("email")})


def ask(story: Stage) -> Taken:
    async def look() -> Taken:
        return await poll(Desk(story.ledger, inline=True), story.channels, story.clock.now())

    return run_virtually(look())


ROUTES = (("sms", "+33100"), ("email", "ann@example.org"))


def test_a_delivered_message_ends_the_wait(tmp_path: Path) -> None:
    phone = Phone()
    phone.told_of["+33100"] = Told.DELIVERED
    story = stage(tmp_path, phone)
    id = story.announce([member("Ann", *ROUTES)])
    assert run_virtually(story.dispatch([id], polls=True)) is RunEnd.SETTLED
    assert story.counts().states == {"reached": 1}
    assert story.counts().channels["sms"].delivered == 1
    assert not story.channels["email"].provider.sent
    story.close()


def test_one_that_did_not_arrive_goes_by_the_next_channel(tmp_path: Path) -> None:
    phone = Phone()
    phone.told_of["+33100"] = Told.FAILED
    story = stage(tmp_path, phone)
    id = story.announce([member("Ann", *ROUTES)])
    assert run_virtually(story.dispatch([id], polls=True)) is RunEnd.SETTLED
    [view] = each_delivery(story.ledger, id)
    assert (view.state, view.via) == ("reached", "email")
    first, second = view.attempts
    assert (first.outcome, second.outcome) == (Outcome.FAILED, Outcome.ACCEPTED)
    assert first.reason.startswith("accepted, then")
    story.close()


def test_without_a_receipt_send_leaves_after_a_minute_and_says_when_it_goes_on(tmp_path: Path) -> None:
    phone = Phone()
    story = stage(tmp_path, phone)
    id = story.announce([member("Ann", *ROUTES)])
    assert run_virtually(story.dispatch([id], polls=True)) is RunEnd.NOTHING_SOON
    assert 5 <= phone.asked <= 15
    assert story.counts().states == {"open": 1}
    assert not story.channels["email"].provider.sent
    story.close()


def test_a_later_failure_reopens_what_was_settled(tmp_path: Path) -> None:
    """A normal announcement does not wait; the health pass hears of the failure all the same."""
    phone = Phone()
    story = stage(tmp_path, phone)
    id = story.announce([member("Ann", *ROUTES)], Importance.NORMAL)
    assert run_virtually(story.dispatch([id])) is RunEnd.SETTLED
    phone.told_of["+33100"], phone.after_s = Told.FAILED, -1000.0  # each run begins at 0
    phone.out = True
    assert ask(story).known == 0
    phone.out = False
    taken = ask(story)
    assert (taken.known, taken.reopened) == (1, 1)
    assert ask(story).known == 0, "its end is known now"
    assert run_virtually(story.dispatch([id])) is RunEnd.SETTLED
    [view] = each_delivery(story.ledger, id)
    assert (view.state, view.via) == ("reached", "email")
    story.close()
