"""Every way for a server to be out of reach: what is said of it, and that the next channel is reached."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.counterparts import http_faults as http
from tests.counterparts.http_faults import HttpFaults, http_faults_within
from tests.counterparts.netns import Network
from tests.counterparts.nginx import nginx
from tests.counterparts.tls import Certificates
from tests.faults.village import EMAIL, TELEGRAM, Done, Village, village, webhook

pytestmark = pytest.mark.counterpart

# Channel → address, the layer that fails, and what is said of it.
FAULTS = {
    "dropped": ("http://10.77.0.20/", "route", "no connection in time"),
    "rejected": ("http://10.77.0.21/", "route", "connection refused"),
    "servfail": ("http://servfail.test/", "name", "the name server does not answer for this name"),
    "nowhere": ("http://nx.test/", "name", "the name does not exist"),
    "silent": ("http://silent.test/", "name", "the name server does not answer for this name"),
    "expired": ("https://expired.test/", "tls", "certificate not valid: certificate has expired"),
    "misnamed": ("https://misnamed.test/", "tls", "certificate not valid: hostname mismatch"),
    "refusing": ("http://10.77.0.24:8080/503", "service", "HTTP 503"),
    "nobody": ("http://10.77.0.24:8080/502", "service", "HTTP 502"),
    "wordless": (
        "http://10.77.0.24:8080/empty",
        "service",
        "the connection broke before the answer was complete",
    ),
}
GOOD = "10.77.0.25"
RULES = "ip daddr 10.77.0.20 drop; ip daddr 10.77.0.21 tcp dport 80 reject with tcp reset"


@contextmanager
def hosts(network: Network, club: Village, certificates: Certificates, folder: Path) -> Iterator[HttpFaults]:
    """One server for each fault, and one that is well; yields the last."""
    now = datetime.now(UTC)
    expired = certificates.directory / "expired.test.pem"
    issued = certificates.authority.issue_cert(
        "expired.test", not_before=now - timedelta(days=9), not_after=now - timedelta(days=2)
    )
    issued.private_key_and_cert_chain_pem.write_to_path(str(expired))
    shown = {"10.77.0.22": expired, "10.77.0.23": certificates.wrong_name}
    with ExitStack() as stack:
        for last in range(20, 26):
            network.add_address(f"10.77.0.{last}")
        for address, file in shown.items():
            context = certificates.server_context()
            context.load_cert_chain(file)
            stack.enter_context(http_faults_within(network.server, address, 443, context))
        stack.enter_context(
            nginx(folder / "nginx", certificates, host="10.77.0.24", port=8080, within=network.server)
        )
        club.names.add("expired.test. 60 IN A 10.77.0.22", "misnamed.test. 60 IN A 10.77.0.23")
        stack.enter_context(network.filtered(RULES))
        yield stack.enter_context(http_faults_within(network.server, GOOD, 80))


def posts(server: HttpFaults) -> list[str]:
    """The keys of what was posted there."""
    return [request.headers["webhook-id"] for request in server.requests if request.method == "POST"]


def test_who_is_out_of_reach(private_network: Network, certificates: Certificates, tmp_path: Path) -> None:
    with (
        village(private_network, tmp_path / "club") as club,
        hosts(private_network, club, certificates, tmp_path) as good,
    ):
        ca = f'ca_file = "{certificates.ca_file}"'
        chain = [
            webhook(name, url, *([ca] if url.startswith("https") else []))
            for name, (url, _, _) in FAULTS.items()
        ]
        club.settings(*chain, webhook("good", f"http://{GOOD}/"))
        checked = club.run("check", "--json")
        _said(checked)
        assert checked.channel("good")["verdict"] == "up"
        assert posts(good) == []

        done = club.finish(club.announce("Flood"))
        assert done.code == 0, done.stderr
        assert len(posts(good)) == 1
        assert done.channel("good")["accepted"] == 1
        assert sum(channel["accepted"] for channel in done.json["channels"]) == 1

        healthy = club.run("health", "--json")
        assert healthy.json["offline"] is False
        _said(healthy)
        assert healthy.channel("good")["verdict"] == "up"


def _said(done: Done) -> None:
    for name, (_, layer, reason) in FAULTS.items():
        found = done.channel(name)
        assert (name, found["verdict"], found["layer"]) == (name, "down", layer)
        assert reason in found["reason"], name


def test_who_answers_probes_and_takes_no_message(private_network: Network, tmp_path: Path) -> None:
    """Nobody knows whether a message went out: the key stays the same, and the next channel gets it once."""
    faults = {
        "10.77.0.20": http.reset(),
        "10.77.0.21": http.drip(200, "x" * 1000, every=0.5),
        "10.77.0.22": http.cut_after_request(),
    }
    with village(private_network, tmp_path / "club") as club, ExitStack() as stack:
        servers = []
        for address, fault in faults.items():
            private_network.add_address(address)
            server = stack.enter_context(http_faults_within(private_network.server, address, 80))
            server.always(lambda request, fault=fault: fault if request.method == "POST" else http.reply())
            servers.append(server)
        private_network.add_address(GOOD)
        good = stack.enter_context(http_faults_within(private_network.server, GOOD, 80))
        chain = [webhook(f"bad{n}", f"http://{address}/") for n, address in enumerate(faults)]
        club.settings(
            *chain, webhook("good", f"http://{GOOD}/"), more='[policy.urgent]\npatience = "4s"\ngrace = "1s"'
        )
        done = club.finish(club.announce("Flood"))
        print(done)
        assert done.code == 0, done.stderr
        assert len(posts(good)) == 1
        for server in servers:
            assert len(set(posts(server))) == 1
        assert done.channel("good")["possible_duplicates"] == 1


def test_a_server_that_limits_us_is_no_outage(
    private_network: Network, certificates: Certificates, tmp_path: Path
) -> None:
    with village(private_network, tmp_path / "club") as club:
        private_network.add_address("10.77.0.24")
        private_network.add_address(GOOD)
        with (
            nginx(
                tmp_path / "nginx", certificates, host="10.77.0.24", port=8080, within=private_network.server
            ),
            http_faults_within(private_network.server, GOOD, 80) as good,
        ):
            club.settings(webhook("busy", "http://10.77.0.24:8080/429"), webhook("good", f"http://{GOOD}/"))
            done = club.finish(club.announce("Flood"))
            assert done.code == 0, done.stderr
            assert done.channel("busy")["accepted"] + len(posts(good)) == 1
            assert done.channel("busy")["verdict"] == "up"


def test_a_mail_server_freezes_in_mid_broadcast(private_network: Network, tmp_path: Path) -> None:
    members = 60
    with village(private_network, tmp_path / "club", members=members) as club:
        club.settings(EMAIL.replace("rate = 1000", "rate = 20"), TELEGRAM)
        club.enrol(members)
        sending = club.announce("Flood")
        club.mail.wait_for_count(20)
        with club.mail.daemon.frozen():
            done = club.finish(sending)
        print(done)
        assert done.code == 0, done.stderr
        told = club.told("Flood")
        assert set(told) == set(range(members))
        assert len(club.by_messenger("Flood")) >= members // 2
        # What the frozen server had in hand may come out when it wakes up: that is recorded.
        twice = {number for number, times in told.items() if times > 1}
        assert len(twice) <= done.channel("telegram")["possible_duplicates"]
