"""What a receipt changes: the attempt, the address, and everybody who was covered by it (P11)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import insert, text

from fallback_cast.ledger import schema
from fallback_cast.ledger.receipts import receive
from fallback_cast.model.message import idempotency_key
from fallback_cast.model.receipt import Receipt, Told
from tests.dispatch.stage import Stage, StageChannel, everyone, member
from tests.virtual_time import BEGIN, VirtualClock, run_virtually

LATER = BEGIN + timedelta(minutes=5)
KEY = idempotency_key("a1", 1, "email", "ann@x")


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path / "ledger.db", {"email": StageChannel("email"), "sms": StageChannel("sms")})
    stage.announce([member("Ann", ("email", "ann@x"), ("sms", "+33 1"))])
    run_virtually(stage.dispatch())
    yield stage
    stage.close()


def receipt(told: Told, key: str = KEY, **more: object) -> Receipt:
    return Receipt(key_prefix=key[:20], told=told, source="dsn", at=LATER, detail="5.1.1", **more)  # type: ignore[arg-type]


def go_on(stage: Stage) -> None:
    stage.clock = VirtualClock(LATER)
    run_virtually(stage.dispatch())


def rows(stage: Stage, query: str) -> list[tuple[object, ...]]:
    with stage.ledger.reading() as connection:
        return [tuple(row) for row in connection.execute(text(query))]


def test_a_bounce_makes_the_delivery_go_on_by_the_next_route(stage: Stage) -> None:
    assert stage.counts().states == {"reached": 1}
    taken = receive(stage.ledger, [receipt(Told.FAILED, gone=True)], LATER)
    assert (taken.known, taken.reopened) == (1, 1)
    assert stage.counts().states == {"open": 1}
    go_on(stage)
    assert len(stage.channels["sms"].provider.told) == 1
    assert stage.counts().states == {"reached": 1}
    assert stage.counts().fallbacks == 1
    assert rows(stage, "SELECT outcome, error, reason FROM attempt WHERE channel = 'email'") == [
        ("failed", "address-refused", "accepted, then refused: 5.1.1")
    ]
    [(cause, ends)] = rows(stage, "SELECT cause, ends_at FROM suppression")
    assert cause == "bounced"
    assert ends is not None


def test_the_same_receipt_again_changes_nothing(stage: Stage) -> None:
    receive(stage.ledger, [receipt(Told.FAILED)] * 3, LATER)
    go_on(stage)
    assert receive(stage.ledger, [receipt(Told.FAILED)], LATER).reopened == 0
    go_on(stage)
    assert len(stage.channels["sms"].provider.told) == 1


@pytest.mark.parametrize("order", [(Told.DELIVERED, Told.FAILED), (Told.FAILED, Told.DELIVERED)])
def test_failed_beats_delivered_in_either_order(stage: Stage, order: tuple[Told, Told]) -> None:
    for told in order:
        receive(stage.ledger, [receipt(told)], LATER)
    go_on(stage)
    assert len(stage.channels["sms"].provider.told) == 1


def test_delivered_is_shown_and_nobody_told_again(stage: Stage) -> None:
    receive(stage.ledger, [receipt(Told.DELIVERED)], LATER)
    go_on(stage)
    assert rows(stage, "SELECT outcome FROM attempt") == [("delivered",)]
    assert stage.channels["sms"].provider.told == []


def test_a_receipt_of_nobody_is_dropped(stage: Stage) -> None:
    assert receive(stage.ledger, [receipt(Told.FAILED, "f" * 32)], LATER).known == 0
    assert stage.counts().states == {"reached": 1}


def test_after_its_end_nothing_is_sent_again(stage: Stage) -> None:
    late = BEGIN + timedelta(days=30)
    assert receive(stage.ledger, [receipt(Told.FAILED, gone=True)], late).reopened == 0
    assert rows(stage, "SELECT cause FROM suppression") == [("bounced",)]  # but it is known for next time


def test_a_complaint_has_no_end_and_outlives_a_bounce(stage: Stage) -> None:
    receive(stage.ledger, [receipt(Told.COMPLAINT)], LATER)
    receive(stage.ledger, [receipt(Told.FAILED, gone=True)], LATER)
    assert rows(stage, "SELECT cause, ends_at FROM suppression") == [("complaint", None)]


def test_all_who_share_the_address_go_on(tmp_path: Path) -> None:
    channels = {"email": StageChannel("email"), "sms": StageChannel("sms")}
    stage = Stage(tmp_path / "shared.db", channels)
    with stage.ledger.writing() as connection:
        for number, name in enumerate(("Ann", "Bob"), 1):
            connection.execute(insert(schema.member).values(id=number, name=name, created_at=BEGIN))
            connection.execute(
                insert(schema.member_address).values(member_id=number, channel="email", address="ann@x")
            )

    stage.announce(
        [
            replace(member("Ann", ("email", "ann@x"), ("sms", "+33 1")), member_id=1),
            replace(member("Bob", ("email", "ann@x"), ("sms", "+33 2")), member_id=2),
        ]
    )
    run_virtually(stage.dispatch())
    assert len(channels["email"].provider.told) == 1
    assert receive(stage.ledger, [receipt(Told.FAILED, gone=True)], LATER).reopened == 2
    go_on(stage)
    assert sorted(address for _, address in channels["sms"].provider.told) == ["+33 1", "+33 2"]
    stage.close()


def test_a_place_is_never_suppressed(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "place.db", {"email": StageChannel("email"), "sms": StageChannel("sms")})
    stage.announce([everyone("email", "sms")])
    run_virtually(stage.dispatch())
    key = idempotency_key("a1", 1, "email", "place")
    receive(stage.ledger, [receipt(Told.FAILED, key, gone=True)], LATER)
    assert rows(stage, "SELECT * FROM suppression") == []
    go_on(stage)
    assert len(stage.channels["sms"].provider.told) == 1
    stage.close()
