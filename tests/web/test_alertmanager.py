"""The real Alertmanager calls us: an alert is announced once, its end once, repetitions never."""

from __future__ import annotations

from pathlib import Path

from fallback_cast.ledger.open import open_ledger
from fallback_cast.ledger.view import recent_headers
from tests.counterparts.alertmanager import alertmanager
from tests.counterparts.processes import wait_for
from tests.web.club import TOKEN, Club, make_club

ALERTS = """[[webhook]]
name = "alerts"
kind = "alertmanager"
token = "env:TOKEN"
"""


def announced(club: Club) -> list[str]:
    ledger = open_ledger(club.folder / "fallback-cast.db")
    try:
        return [head.title for head in recent_headers(ledger, 10)]
    finally:
        ledger.close()


def test_an_alert_is_announced_once_and_its_end_once(tmp_path: Path) -> None:
    club = make_club(tmp_path, ALERTS)
    with (
        club.serving() as serving,
        alertmanager(tmp_path / "alertmanager", f"{serving.url}/hooks/alerts", TOKEN) as prometheus,
    ):
        prometheus.alert("PitchFlooded", description="Water on the pitch.")
        wait_for(lambda: prometheus.told() >= 3, "repetitions", 30)
        assert announced(club) == ["PitchFlooded"]
        prometheus.alert("PitchFlooded", resolved=True, description="Water on the pitch.")
        wait_for(lambda: len(announced(club)) == 2, "the end", 30)
        club.wait_for_pages(2)
    assert announced(club) == ["✓ PitchFlooded", "PitchFlooded"]
