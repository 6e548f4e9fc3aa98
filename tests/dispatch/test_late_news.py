"""An outcome that comes after the patience, while its delivery waits in the next channel's queue."""

from __future__ import annotations

import asyncio
from pathlib import Path

from fallback_cast.model.message import Accepted
from tests.dispatch.stage import Stage, StageChannel, member
from tests.virtual_time import run_virtually


def test_who_is_reached_late_is_not_told_again_by_the_queue_of_the_next_channel(tmp_path: Path) -> None:
    """P3: by the time its turn comes, the ledger knows better."""
    stage = Stage(
        tmp_path / "ledger.db", {"telegram": StageChannel("telegram"), "email": StageChannel("email")}
    )
    telegram, email = stage.channels["telegram"].provider, stage.channels["email"].provider

    async def late(address: str, number: int) -> Accepted:
        await asyncio.sleep(28)  # patience is 20 s, the grace 5 s more
        return Accepted()

    async def slow(address: str, number: int) -> Accepted:
        await asyncio.sleep(10)
        return Accepted()

    telegram.behave, email.behave, email.max_in_flight = late, slow, 1
    stage.channels["email"] = StageChannel("email", email)
    stage.announce([member(f"m{n}", ("telegram", f"t{n}"), ("email", f"e{n}@example.org")) for n in range(4)])
    run_virtually(stage.dispatch())
    assert stage.counts().states == {"reached": 4}
    # One was on its way when the late answers came; the other three had only a place in the queue.
    assert len(email.sent) == 1
    stage.close()
