"""Random worlds, and every promise of the dispatcher in each of them.

FALLBACK_CAST_WORLDS=5000 plays so many, other ones each time; without it, the same few on every run.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from fallback_cast.ledger.open import open_ledger
from tests.dispatch.changes import CHANGES, Changes
from tests.dispatch.play import Play
from tests.dispatch.promises import PROMISES, Aftermath, every_touch_was_written_down_before
from tests.dispatch.worlds import Facts, changing_worlds, worlds

WORLDS = int(os.environ.get("FALLBACK_CAST_WORLDS", "0"))
MEMORY = Path("/dev/shm")


@pytest.fixture(scope="module")
def empty_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its schema costs more than most worlds; they begin with a copy."""
    path = tmp_path_factory.mktemp("worlds") / "empty.db"
    open_ledger(path).close()
    return path


@contextmanager
def played(facts: Facts, empty_ledger: Path) -> Iterator[Aftermath]:
    where = MEMORY if MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="worlds-", dir=where) as folder:
        path = Path(folder) / "ledger.db"
        shutil.copy(empty_ledger, path)
        play = Play(facts, path)
        try:
            play.run()
            yield Aftermath(play)
        finally:
            play.stage.close()


def keep_every_promise(facts: Facts, empty_ledger: Path) -> None:
    with played(facts, empty_ledger) as after:
        for promise in PROMISES:
            promise(after)


@settings(
    max_examples=WORLDS or 80,
    derandomize=not WORLDS,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(facts=worlds())
def test_every_promise_is_kept_in_every_world(facts: Facts, empty_ledger: Path) -> None:
    keep_every_promise(facts, empty_ledger)


@settings(
    max_examples=WORLDS or 25,
    derandomize=not WORLDS,
    database=None,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(facts=changing_worlds())
def test_corrections_and_cancellations_find_those_who_need_them(facts: Facts, empty_ledger: Path) -> None:
    with played(facts, empty_ledger) as after:
        every_touch_was_written_down_before(after)
        world = Changes(after)
        for promise in CHANGES:
            promise(world)
