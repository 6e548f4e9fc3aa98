"""What is remembered between runs: evidence comes back as it was stored."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from fallback_cast.ledger.memory import KEPT_IN_MIND, load_evidence, save_health
from fallback_cast.ledger.open import open_ledger
from fallback_cast.model.errors import Layer
from fallback_cast.model.health import Evidence, Signal
from tests.virtual_time import BEGIN


def seen(number: int, channel: str = "email", provider: str = "relay", machine: str = "") -> Evidence:
    at = BEGIN + timedelta(seconds=number)
    return Evidence(channel, provider, at, Signal.BAD, "send", Layer.ROUTE, f"failure {number}", machine)


def test_the_newest_evidence_of_each_comes_back_with_its_machine(tmp_path: Path) -> None:
    ledger = open_ledger(tmp_path / "ledger.db")
    rows = [seen(number) for number in range(KEPT_IN_MIND + 20)]
    other = seen(5, "sms", "gateway", "another")
    reference = Evidence("", "tcp://192.0.2.1:53", BEGIN, Signal.GOOD, "reference", machine="laptop")
    save_health(ledger, "laptop", [], [*rows, other, reference, seen(1, "gone", "gone")])
    found = load_evidence(ledger, [("email", "relay"), ("sms", "gateway"), ("", "tcp://192.0.2.1:53")])
    assert sorted(row.detail for row in found if row.channel == "email") == sorted(
        row.detail for row in rows[20:]
    )
    assert {row.machine for row in found if row.channel == "email"} == {"laptop"}
    assert other in found
    assert reference in found
    assert "gone" not in {row.channel for row in found}
    ledger.close()
