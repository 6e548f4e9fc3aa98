"""Our own line breaks in the middle of a broadcast: no platform is blamed, nothing is burnt (P6)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.counterparts import http_faults as http
from tests.counterparts.netns import Network
from tests.faults.village import EMAIL, TELEGRAM, Done, Village, village, webhook

pytestmark = pytest.mark.counterpart
MEMBERS = 90
BOARD = webhook("board", "http://127.0.0.1:8080/", 'needs = "local"', "always = true")


def test_the_cable_is_pulled_out(private_network: Network, tmp_path: Path) -> None:
    with (
        http.http_faults_within(private_network.client, "127.0.0.1", 8080) as desk,
        village(private_network, tmp_path / "club", members=MEMBERS) as club,
    ):
        club.settings(TELEGRAM, EMAIL, BOARD)
        club.enrol(MEMBERS)
        sending = club.announce("Flood", "--timeout", "6s")
        club.until_told("Flood", 30)
        with private_network.unplugged():
            it_is_held_and_said(club, club.finish(sending))
            what_is_local_goes_on(club, desk)
            club.time_passes()  # a minute after the last message it is certain
            health_says_so(club)
        everybody_is_told(club, club.run("resume", "--json"), "Flood", "Second")


def test_the_router_swallows_everything(private_network: Network, tmp_path: Path) -> None:
    with village(private_network, tmp_path / "club", members=MEMBERS) as club:
        club.enrol(MEMBERS)
        sending = club.announce("Flood", "--timeout", "13s")
        club.until_told("Flood", 30)
        with private_network.muted():
            it_is_held_and_said(club, club.finish(sending))
        everybody_is_told(club, club.run("resume", "--json"), "Flood")


def it_is_held_and_said(club: Village, done: Done) -> None:
    """No breaker moved, and no failed attempt counts against its route."""
    assert done.code == 5
    people = done.json["recipients"]
    assert people["held"] >= MEMBERS // 3
    assert people["reached"] + people["held"] + people["pending"] == people["total"]
    assert "no message leaves this machine's own network" in done.stderr
    assert "fallback-cast resume" in done.stderr
    assert {verdict for (verdict,) in club.rows("SELECT verdict FROM breaker")} == {"up"}
    assert club.rows("SELECT * FROM outage") == []
    assert club.rows("SELECT channel, reason FROM attempt WHERE outcome = 'failed' AND NOT offline") == []


def what_is_local_goes_on(club: Village, desk: http.HttpFaults) -> None:
    others = "SELECT count(*) FROM attempt WHERE channel != 'board'"
    before = club.rows(others)
    done = club.finish(club.announce("Second", "--timeout", "4s"))
    assert (done.code, done.channel("board")["accepted"]) == (5, 1)
    assert len([request for request in desk.requests if request.method == "POST"]) == 2
    assert club.rows(others) == before


def health_says_so(club: Village) -> None:
    done = club.run("health", "--json")
    found = {channel["name"]: channel["verdict"] for channel in done.json["channels"]}
    assert found == {"telegram": "offline", "email": "offline", "board": "up"}
    assert done.json["offline"] is True


def everybody_is_told(club: Village, done: Done, *titles: str) -> None:
    """A message whose answer was lost may have gone out (P3): that is recorded. No other repeats."""
    assert done.code == 0, done.stderr
    [(doubtful,)] = club.rows("SELECT count(*) FROM attempt WHERE possible_duplicate")
    twice = 0
    for title in titles:
        told = club.told(title)
        assert set(told) == set(range(MEMBERS))
        twice += sum(times - 1 for times in told.values())
    assert twice <= doubtful
