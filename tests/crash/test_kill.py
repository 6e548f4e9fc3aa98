"""kill -9 at any moment, then go on: nobody lost, repeats only among what was in flight (P1, P2, P3)."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from fallback_cast.ledger.announce import store_announcement
from fallback_cast.ledger.open import Ledger, open_ledger
from fallback_cast.ledger.progress import count
from fallback_cast.model.announcement import Announcement, Importance
from tests.dispatch.stage import member

MEMBERS = 300
KILLS = int(os.environ.get("FALLBACK_CAST_KILLS", "6"))


def store(path: Path) -> None:
    now = datetime.now(UTC)
    announcement = Announcement(
        id="a1",
        code="A1A1",
        title="Contest cancelled",
        body="The pitch is flooded.",
        importance=Importance.URGENT,
        created_at=now,
        expires_at=now + timedelta(hours=1),
    )
    ledger = open_ledger(path)
    deliveries = [
        member(f"m{n}", ("telegram", f"t{n}"), ("email", f"e{n}@example.org")) for n in range(MEMBERS)
    ]
    store_announcement(ledger, announcement, deliveries, starts_at=now, gate_until=None)
    ledger.close()


def start(path: Path, record: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.crash.worker", str(path), str(record)]
    return subprocess.Popen(command, cwd=Path(__file__).parents[2], stderr=subprocess.PIPE)


def arrived(record: Path) -> list[str]:
    return record.read_text().splitlines() if record.exists() else []


def in_flight(ledger: Ledger) -> set[str]:
    """Addresses whose attempt was begun and has no outcome."""
    with ledger.reading() as connection:
        rows = connection.execute(text("SELECT address FROM attempt WHERE outcome = 'begun'"))
        return {row.address for row in rows}


@pytest.mark.parametrize("seed", range(KILLS))
def test_killed_in_mid_broadcast(tmp_path: Path, seed: int) -> None:
    path, record = tmp_path / "ledger.db", tmp_path / "arrived"
    store(path)
    process = start(path, record)
    wanted = random.Random(seed).randrange(1, MEMBERS - 20)
    while len(arrived(record)) < wanted and process.poll() is None:
        time.sleep(0.001)
    process.send_signal(signal.SIGKILL)
    process.communicate()

    ledger = open_ledger(path)
    flying = in_flight(ledger)
    again = start(path, record)
    _, errors = again.communicate(timeout=60)
    assert again.returncode == 0, errors.decode()

    counts = count(ledger, "a1")
    ledger.close()
    assert counts.states == {"reached": MEMBERS}
    told = Counter(line.split()[1].lstrip("te").split("@")[0] for line in arrived(record))
    assert set(told) == {str(n) for n in range(MEMBERS)}
    twice = {number for number, times in told.items() if times > 1}
    assert twice <= {address.lstrip("te").split("@")[0] for address in flying}
    assert max(told.values()) <= 2
    assert sum(c.possible_duplicates for c in counts.channels.values()) >= len(twice)


def test_what_was_stored_survives_a_kill_right_after_it(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    script = (
        "import os; from pathlib import Path; from tests.crash.test_kill import store;"
        f"store(Path({str(path)!r})); os.kill(os.getpid(), 9)"
    )
    killed = subprocess.run([sys.executable, "-c", script], cwd=Path(__file__).parents[2], check=False)
    assert killed.returncode == -signal.SIGKILL
    ledger = open_ledger(path)
    assert count(ledger, "a1").states == {"open": MEMBERS}
    ledger.close()
