"""A captive portal answers for everybody, or our own resolver answers nobody: no platform is down."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.counterparts import dns_faults as dns
from tests.counterparts import http_faults as http
from tests.counterparts.http_faults import http_faults_within
from tests.counterparts.netns import Network
from tests.faults.village import EMAIL, HOSTS, REFERENCES, TELEGRAM, village

pytestmark = pytest.mark.counterpart
MEMBERS = 10
PORTAL, SECOND, STATUS = "10.77.0.30", "10.77.0.31", "10.77.0.32"


def test_a_captive_portal_is_our_own_line(private_network: Network, tmp_path: Path) -> None:
    with village(private_network, tmp_path / "club", members=MEMBERS) as club:
        club.enrol(MEMBERS)
        private_network.add_address(PORTAL)
        page = http.reply(200, "<title>Sign in</title>", headers={"Content-Type": "text/html"})
        everything = f"ip daddr != {PORTAL} meta l4proto tcp dnat ip to {PORTAL}:80"
        with (
            http_faults_within(private_network.server, PORTAL, 80) as portal,
            private_network.redirected(everything),
        ):
            portal.always(page)
            checked, told = club.run("check", "--json"), club.run("health")
            assert (checked.code, checked.json["offline"]) == (2, True)
            assert {channel["verdict"] for channel in checked.json["channels"]} == {"offline"}
            assert told.code == 2
            assert "sign-in page" in told.stdout
            sent = club.finish(club.announce("Flood", "--timeout", "6s"))
            assert (sent.code, sent.json["recipients"]["held"]) == (5, MEMBERS), sent
            assert not [request for request in portal.requests if request.path.endswith("/sendMessage")]
        done = club.run("resume", "--json")
        assert done.code == 0, done.stderr
        assert club.told("Flood") == dict.fromkeys(range(MEMBERS), 1)
        assert {verdict for (verdict,) in club.rows("SELECT verdict FROM breaker")} <= {"up", "unknown"}


def test_our_own_resolver_is_broken(private_network: Network, tmp_path: Path) -> None:
    with village(private_network, tmp_path / "club", members=MEMBERS) as club:
        private_network.add_address(SECOND)
        club.settings(
            TELEGRAM,
            EMAIL,
            health=f'references = {list(REFERENCES)}\nresolvers = ["{SECOND}"]'.replace("'", '"'),
        )
        club.enrol(MEMBERS)
        with private_network.server.entered():
            server = dns.dns_faults(host=SECOND, port=53)
            second = server.__enter__()
        try:
            second.add(*(f"{name}. 60 IN A {address}" for name, address in HOSTS.items()))
            club.names.broken = True
            for command in ("check", "health"):
                found = club.run(command, "--json")
                assert found.json["own_resolver_fails"], found
                assert (found.code, found.json["offline"]) == (1, False)
                assert {channel["verdict"] for channel in found.json["channels"]} == {"up"}
                assert "own name server fails" in club.run(command).stdout
            done = club.finish(club.announce("Flood"))
            assert done.code == 0, done.stderr
            assert len(club.by_messenger("Flood")) == MEMBERS
        finally:
            server.__exit__(None, None, None)


def test_a_status_page_is_a_hint_and_no_more(private_network: Network, tmp_path: Path) -> None:
    """It reports an incident all day; everything works, so everything goes the usual way."""
    feed = f'status_feed = {{ kind = "statuspage", url = "http://{STATUS}/" }}\n'
    with village(private_network, tmp_path / "club", members=MEMBERS) as club:
        private_network.add_address(STATUS)
        club.settings(TELEGRAM + feed, EMAIL)
        club.enrol(MEMBERS)
        with http_faults_within(private_network.server, STATUS, 80) as page:
            page.always(http.reply(json={"status": {"indicator": "critical"}, "components": []}))
            club.run("health", "--json")
            assert club.rows("SELECT channel, signal FROM evidence WHERE source = 'feed'") == [
                ("telegram", "hint")
            ]
            done = club.finish(club.announce("Flood"))
            assert done.code == 0, done.stderr
            assert len(club.by_messenger("Flood")) == MEMBERS
            assert page.requests
            page.always(http.hang())  # nobody waits for it
            again = club.finish(club.announce("Again"))
            assert len(club.by_messenger("Again")) == MEMBERS
            assert again.json["elapsed_s"] < 5
