"""What has served its time goes; the figures stay; what is open is never touched."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from fallback_cast.ledger.retention import FORGOTTEN, Keep, thin
from fallback_cast.model.errors import AddressRefused
from fallback_cast.model.message import Accepted
from tests.dispatch.stage import Stage, StageChannel, member
from tests.virtual_time import BEGIN, run_virtually

KEEP = Keep()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path / "ledger.db", {"email": StageChannel("email"), "sms": StageChannel("sms")})

    async def behave(address: str, number: int) -> Accepted:
        if address == "ann@x":
            raise AddressRefused("no such mailbox")
        return Accepted(note="said the server")

    stage.channels["email"].provider.behave = behave
    stage.announce([member("Ann", ("email", "ann@x")), member("Bob", ("email", "bob@x"))])
    run_virtually(stage.dispatch())
    yield stage
    stage.close()


def after(**time: float) -> datetime:
    return BEGIN + timedelta(hours=1) + timedelta(**time)


def values(stage: Stage, query: str) -> list[object]:
    with stage.ledger.reading() as connection:
        return [value for row in connection.execute(text(query)) for value in row]


def test_before_its_time_nothing_goes(stage: Stage) -> None:
    assert thin(stage.ledger, KEEP, after(days=29)) == 0


def test_what_providers_said_goes_first(stage: Stage) -> None:
    assert thin(stage.ledger, KEEP, after(days=31)) == 2
    assert values(stage, "SELECT reason || note FROM attempt") == ["", ""]
    assert sorted(values(stage, "SELECT recipient FROM delivery")) == ["Ann", "Bob"]
    assert "address-refused" in values(stage, "SELECT error FROM attempt")


def test_then_who_was_told_and_the_figures_stay(stage: Stage) -> None:
    before = stage.counts()
    thin(stage.ledger, KEEP, after(days=181))
    assert values(stage, "SELECT DISTINCT recipient FROM delivery") == [FORGOTTEN]
    assert values(stage, "SELECT DISTINCT address FROM attempt") == [""]
    assert values(stage, "SELECT DISTINCT member_id FROM delivery") == [None]
    assert stage.counts() == before
    assert thin(stage.ledger, KEEP, after(days=181)) == 0  # once is enough


def test_at_the_end_the_announcement_goes_with_everything(stage: Stage) -> None:
    thin(stage.ledger, KEEP, after(days=400))
    for table in ("announcement", "delivery", "attempt", "evidence"):
        assert values(stage, f"SELECT count(*) FROM {table}") == [0], table


def test_what_is_open_is_never_touched(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "open.db", {"email": StageChannel("email")})
    stage.announce([member("Ann", ("email", "ann@x"))])
    assert thin(stage.ledger, KEEP, after(days=4000)) == 0
    assert values(stage, "SELECT recipient FROM delivery") == ["Ann"]
    stage.close()


def test_many_announcements_go_in_pages(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "many.db", {"email": StageChannel("email")})
    for number in range(45):
        stage.announce([member("Ann", ("email", "ann@x"))], id=f"a{number}")
    run_virtually(stage.dispatch())
    thin(stage.ledger, KEEP, after(days=181))
    assert values(stage, "SELECT DISTINCT recipient FROM delivery") == [FORGOTTEN]
    thin(stage.ledger, KEEP, after(days=400))
    assert values(stage, "SELECT count(*) FROM announcement") == [0]
    stage.close()
