"""The second resolver: every way a name server fails, and sending that goes on when the system's one does."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import pytest

from fallback_cast.channels.kit import names, net
from fallback_cast.channels.kit.names import Found, NameFault, SecondResolver
from fallback_cast.model.french import FRENCH
from fallback_cast.model.texts import say
from tests.channels.probed import look
from tests.channels.watching import open_sockets, settled
from tests.counterparts import dns_faults as dns
from tests.counterparts.dns_faults import DnsFaults
from tests.counterparts.netns import Network
from tests.counterparts.ports import refused_port, silent_server
from tests.counterparts.processes import Daemon

ZONE = ("club.test. 60 IN A 10.9.9.1", "club.test. 60 IN AAAA fd99::1", "four.test. 60 IN A 10.9.9.4")


@pytest.fixture
def zone(dns_faults: DnsFaults) -> DnsFaults:
    dns_faults.add(*ZONE)
    return dns_faults


def resolver(*servers: DnsFaults) -> SecondResolver:
    return SecondResolver([(server.host, server.port) for server in servers])


async def fault(asked: SecondResolver, host: str) -> NameFault:
    with pytest.raises(NameFault) as caught:
        await asked.look_up(host)
    return caught.value


# Every way to fail, in words.


async def test_both_families_and_aliases_are_found(zone: DnsFaults) -> None:
    zone.add("www.club.test. 60 IN CNAME club.test.")
    assert await resolver(zone).look_up("club.test") == Found(("10.9.9.1", "fd99::1"))
    assert await resolver(zone).look_up("www.club.test") == Found(("10.9.9.1", "fd99::1"))
    assert await resolver(zone).look_up("four.test") == Found(("10.9.9.4",))


@pytest.mark.parametrize(
    ("host", "reason", "certain"),
    [
        ("nx.club.test", "the name does not exist", True),
        ("mail.test", "the name has no address", True),
        ("servfail.club.test", "the look-up of this name fails (SERVFAIL)", False),
        (
            "ede22.club.test",
            "the look-up of this name fails (SERVFAIL: none of its name servers can be reached)",
            False,
        ),
        ("ede99.club.test", "the look-up of this name fails (SERVFAIL)", False),
        ("refused.club.test", "the name server refuses to answer", False),
        ("a..b", "the name does not exist", True),
    ],
)
async def test_failures_are_told_apart(zone: DnsFaults, host: str, reason: str, certain: bool) -> None:
    zone.add("mail.test. 60 IN MX 10 club.test.")
    found = await fault(resolver(zone), host)
    assert (found.reason, found.certain) == (reason, certain)
    assert say("fr", found.reason) != reason


def test_every_word_has_its_french() -> None:
    words = [names.SERVFAIL, names.NXDOMAIN, names.NO_DATA, names.REFUSED, names.SILENT, names.UNREACHABLE]
    words += [names.NONSENSE, *names.EXTENDED.values()]
    assert [word for word in words if word not in FRENCH] == []


async def test_silence_ends_in_time_and_leaves_nothing_open(
    zone: DnsFaults, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names, "ASK_S", 0.2)
    before = open_sockets()
    started = time.monotonic()
    assert (
        await fault(resolver(zone), "silent.club.test")
    ).reason == "the name server does not answer in time"
    assert time.monotonic() - started < names.LOOK_UP_S - 1
    await settled(before)


async def test_a_cut_or_lost_answer_is_asked_again_by_tcp(
    zone: DnsFaults, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names, "ASK_S", 0.3)
    zone.add("truncated.test. 60 IN A 10.9.9.5", "udp-silent.test. 60 IN A 10.9.9.6")
    assert (await resolver(zone).look_up("truncated.test")).addresses == ("10.9.9.5",)
    assert (await resolver(zone).look_up("udp-silent.test")).addresses == ("10.9.9.6",)


async def test_who_is_no_name_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "ASK_S", 0.2)
    with refused_port() as port:
        found = await fault(SecondResolver([("127.0.0.1", port)]), "club.test")
        assert found.reason == "the name server cannot be reached"
    with silent_server() as server:
        found = await fault(SecondResolver([(server.host, server.port)]), "club.test")
        assert found.reason == "the name server does not answer in time"


async def test_the_next_server_is_asked_when_one_fails_or_takes_its_time(
    zone: DnsFaults, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(names, "NEXT_S", 0.1)
    monkeypatch.setattr(names, "ASK_S", 4.0)
    with refused_port() as port:
        dead = SecondResolver([("127.0.0.1", port), (zone.host, zone.port)])
        started = time.monotonic()
        assert (await dead.look_up("four.test")).addresses == ("10.9.9.4",)
        assert time.monotonic() - started < 3
    with silent_server() as silent:
        quiet = SecondResolver([(silent.host, silent.port), (zone.host, zone.port)])
        assert (await quiet.look_up("four.test")).addresses == ("10.9.9.4",)
    with dns.dns_faults() as other:
        both = await fault(resolver(other, zone), "servfail.test")
        assert both.reason == "the look-up of this name fails (SERVFAIL)"
        assert all(("servfail.test.", "A") in server.queries for server in (other, zone))
        # A name that surely does not exist is asked of nobody else.
        zone.queries.clear()
        assert (await fault(resolver(other, zone), "four.test")).certain
        assert zone.queries == []


# Which names, which servers.


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("9.9.9.9", ("9.9.9.9", 53)),
        ("127.0.0.1:5300", ("127.0.0.1", 5300)),
        ("2620:fe::fe", ("2620:fe::fe", 53)),
        ("[2620:fe::fe]", ("2620:fe::fe", 53)),
        ("[2620:fe::fe]:5300", ("2620:fe::fe", 5300)),
    ],
)
def test_servers_by_example(text: str, server: names.Server) -> None:
    assert names.parse_server(text) == server


@pytest.mark.parametrize(
    "text",
    ["", "dns.example.org", "9.9.9.9:", "9.9.9.9:0", "9.9.9.9:65536", "[::1", "[::1]5", "1.2.3", ":53"],
)
def test_what_is_no_server(text: str) -> None:
    with pytest.raises(ValueError):
        names.parse_server(text)


@pytest.mark.parametrize(
    ("host", "public"),
    [
        ("api.telegram.org", True),
        ("api.telegram.org.", True),
        ("9.9.9.9", False),
        ("127.1", False),
        ("2620:fe::fe", False),
        ("localhost", False),
        ("printer", False),
        ("box.lan", False),
        ("club.local", False),
        ("club.home.arpa", False),
        ("", False),
    ],
)
def test_names_of_the_house_are_asked_of_nobody(host: str, public: bool) -> None:
    assert names.is_public(host) is public


# Sending goes on by the second resolver when the system's one fails: for real, in a network of our own.


@contextmanager
def second(network: Network, *records: str) -> Iterator[str]:
    """A second resolver in the server namespace, as `[health] resolvers` names it."""
    with network.server.entered():
        server = dns.dns_faults(host=network.server.address, port=5300)
        faults = server.__enter__()
    faults.add(*records)
    try:
        yield f"{faults.host}:{faults.port}"
    finally:
        server.__exit__(None, None, None)


@contextmanager
def broken(network: Network, name: str, patience: int = 1) -> Iterator[Daemon]:
    """The system's name server for the client namespace: SERVFAIL for one name, the others do not exist."""
    with network.server.entered():
        server = dns.dns_faults(host=network.server.address, port=5301)
        faults = server.__enter__()
    faults.broken = True
    try:
        with network.names({}, f"--server=/{name}/{faults.host}#{faults.port}", patience=patience) as dnsmasq:
            yield dnsmasq
    finally:
        server.__exit__(None, None, None)


ZONE_CLUB = "club.test. 60 IN A 10.77.0.2"


def test_sending_goes_on_by_the_second_resolver(private_network: Network) -> None:
    with second(private_network, ZONE_CLUB) as server, broken(private_network, "club.test", 8) as dnsmasq:
        client = private_network.client
        assert look(client, "resolve", "club.test").found == "the name server does not answer for this name"
        detour = look(client, "resolve", "club.test", resolvers=[server])
        assert detour.found == ["10.77.0.2"]
        # What surely does not exist is not looked for elsewhere, and what works needs no detour.
        nowhere = look(client, "resolve", "nowhere.test", resolvers=[server])
        assert nowhere.found == "the name does not exist"
        with dnsmasq.frozen():  # the system's one hangs: the detour does not wait for its end
            hanging = look(client, "resolve", "club.test", resolvers=[server], alone=net.SYSTEM_ALONE_S)
        assert hanging.found == ["10.77.0.2"]
        assert hanging.elapsed < 5


def test_when_both_fail_the_systems_word_counts(private_network: Network) -> None:
    with second(private_network) as server, broken(private_network, "servfail.test"):
        seen = look(private_network.client, "resolve", "servfail.test", resolvers=[server])
    assert seen.found == "the name server does not answer for this name"


def test_after_a_detour_nobody_waits_for_the_system_alone(private_network: Network) -> None:
    names = private_network.names({}, patience=8)
    with second(private_network, ZONE_CLUB) as server, names as dnsmasq, dnsmasq.frozen():
        again = look(private_network.client, "resolve", "club.test", resolvers=[server], times=2, alone=3)
    assert again.found == ["10.77.0.2"]
    assert again.elapsed < 2.5


async def test_names_of_the_house_never_leave_it(zone: DnsFaults) -> None:
    net.use_second_resolver([(zone.host, zone.port)])
    try:
        assert await net.resolve("localhost", 80)
        with suppress(socket.gaierror):
            await net.resolve("printer.lan", 80)
    finally:
        net.use_second_resolver([])
    assert zone.queries == []
