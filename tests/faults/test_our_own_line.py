"""Our own line breaks in the middle of a broadcast: nothing is blamed on a platform, nothing is burnt (P6)."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.counterparts import http_faults as http
from tests.counterparts.netns import Network
from tests.faults.village import EMAIL, TELEGRAM, village, webhook

pytestmark = pytest.mark.counterpart
MEMBERS = 200


@pytest.mark.parametrize("how", ["muted", "unplugged"])
def test_x(private_network: Network, tmp_path: Path, how: str) -> None:
    with private_network.client.entered():
        server = http.http_faults(host="127.0.0.1", port=8080)
        board = server.__enter__()
    with village(private_network, tmp_path / "club", members=MEMBERS) as club:
        club.settings(TELEGRAM, EMAIL, webhook("board", "http://127.0.0.1:8080/", 'needs = "local"', "always = true"))
        club.enrol(MEMBERS)
        sending = club.announce("Flood", "--timeout", "20s")
        club.until_told("Flood", 30)
        with getattr(private_network, how)():
            done = club.finish(sending)
            print(done)
            print(club.rows("select channel, outcome, error, reason, count(*) from attempt group by 1,2,3,4"))
            print(club.rows("select channel, verdict, failures, reason from breaker"))
            print(club.rows("select state, why, lane, count(*) from delivery group by 1,2,3"))
            print(club.rows("select (at-(select min(at) from evidence))/1000000.0, channel, provider, source, signal, detail from evidence order by at"))
        t = time.monotonic()
        done = club.run("resume", "--json")
        print(time.monotonic() - t, done)
        told = club.told("Flood")
        print(len(told), max(told.values()))
        print(club.rows("select channel, outcome, error, reason, count(*) from attempt group by 1,2,3,4"))
    server.__exit__(None, None, None)
    assert 0
