"""An operator's "not delivered" over the real Kannel: accepted, then refused, now by the next channel."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from fallback_cast.channels.sms.reports import read_report
from fallback_cast.dispatch.clock import SystemClock
from fallback_cast.dispatch.dispatcher import RunEnd
from fallback_cast.ledger.receipts import receive
from fallback_cast.ledger.view import each_delivery
from fallback_cast.model.announcement import Importance
from fallback_cast.model.delivery import Outcome
from fallback_cast.model.receipt import Signer
from tests.channels.fake_sms import channel
from tests.counterparts.kannel import Kannel
from tests.dispatch.stage import Stage, StageChannel, member

pytestmark = pytest.mark.counterpart
SIGNER = Signer(b"s" * 32)


async def test_who_did_not_get_the_sms_gets_the_next_channel(tmp_path: Path, sms_gateway: Kannel) -> None:
    gateway = {
        "kind": "kannel",
        "url": sms_gateway.sendsms_url,
        "username": sms_gateway.username,
        "password": sms_gateway.password,
        "sender": sms_gateway.sender,
        "receipts_url": f"{sms_gateway.callbacks.url}/dlr",
        "timeout": "3s",
    }
    sms, email, clock = channel(gateway, signer=SIGNER), StageChannel("email"), SystemClock()
    story = Stage(tmp_path / "ledger.db", {"sms": sms, "email": email}, clock=clock)  # type: ignore[dict-item, arg-type]
    people = [
        member(name, ("sms", number), ("email", f"{name}@example.org"))
        for name, number in (("ann", "+33639980039"), ("bob", "+33639980031"))
    ]
    async with sms:
        id = story.announce(people, Importance.NORMAL, at=clock.now())
        assert await story.dispatch([id]) is RunEnd.SETTLED
        assert not email.provider.sent
        calls = await asyncio.to_thread(sms_gateway.wait_for_receipts, 2)
        receipts = [read_report(call, SIGNER, clock.now()) for call in calls]
        taken = receive(story.ledger, [receipt for receipt in receipts if receipt], clock.now())
        assert (taken.known, taken.reopened) == (2, 1)
        assert await story.dispatch([id]) is RunEnd.SETTLED
    ann, bob = each_delivery(story.ledger, id)
    assert (ann.via, bob.via) == ("email", "sms")
    assert [a.outcome for a in ann.attempts] == [Outcome.FAILED, Outcome.ACCEPTED]
    assert ann.attempts[0].reason == "accepted, then refused: not delivered"
    assert [a.outcome for a in bob.attempts] == [Outcome.DELIVERED]
    assert [address for address, _ in email.provider.sent] == ["ann@example.org"]
    story.close()
