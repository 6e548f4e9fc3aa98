"""Quiet hours are those of the place where the recipient lives (design §4)."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sqlalchemy import text

from fallback_cast.dispatch.dispatcher import RunEnd
from fallback_cast.ledger.schema import to_micros
from fallback_cast.model.announcement import Importance
from tests.dispatch.stage import Stage, StageChannel, member
from tests.virtual_time import BEGIN, run_virtually


def test_who_sleeps_is_not_woken_and_who_is_awake_is_told(tmp_path: Path) -> None:
    stage = Stage(tmp_path / "ledger.db", {"sms": StageChannel("sms", rings=True)})
    stage.announce(
        [
            replace(member("here", ("sms", "1"))),  # noon in the club's own zone
            replace(member("Tokyo", ("sms", "2")), timezone="Asia/Tokyo"),  # 21:00
            replace(member("Noumea", ("sms", "3")), timezone="Pacific/Noumea"),  # 23:00
        ],
        Importance.NORMAL,
    )
    assert run_virtually(stage.dispatch()) is RunEnd.NOTHING_SOON
    assert sorted(address for _, address in stage.channels["sms"].provider.told) == ["1", "2"]
    with stage.ledger.reading() as connection:
        query = "SELECT recipient, why, next_at FROM delivery WHERE state = 'open'"
        [row] = connection.execute(text(query)).all()
    assert (row.recipient, row.why) == ("Noumea", "quiet hours")
    assert row.next_at == to_micros(BEGIN.replace(hour=20))  # 07:00 there
    stage.close()
