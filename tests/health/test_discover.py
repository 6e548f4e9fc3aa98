"""Looking at hosts through a real name server and real TLS servers, all on loopback."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from fallback_cast.health.discover import LATE, discover, own_addresses, owner
from fallback_cast.health.facts import Facts, Findings, Kind, Member, Reach, Role, Subject
from fallback_cast.health.shared import shared
from fallback_cast.model.channel import Endpoint
from tests.counterparts.dns_faults import DnsFaults, dns_faults
from tests.counterparts.ports import HOST, blackhole, refused_port, silent_server
from tests.counterparts.tls import Certificates


@pytest.fixture
def names() -> Iterator[DnsFaults]:
    with dns_faults() as server:
        yield server


def channel(name: str, rank: int, *endpoints: Endpoint, mail_domain: str | None = None) -> Subject:
    return Subject(Member(Role.CHANNEL, name, rank), (Reach(endpoints),), mail_domain)


def web(host: str, port: int = 443) -> Endpoint:
    return Endpoint(host, port, secure=port != 443)


async def look(names: DnsFaults, *subjects: Subject, within_s: float = 4.0) -> Findings:
    return await discover(subjects, [(names.host, names.port)], within_s=within_s)


async def look_at(names: DnsFaults, host: str, within_s: float = 4.0) -> Facts:
    found = await look(names, channel("one", 1, web(host)), within_s=within_s)
    return found.hosts[host]


async def test_addresses_and_the_name_servers_of_the_enclosing_zone(names: DnsFaults) -> None:
    names.add(
        "api.club.test. 60 IN A 203.0.113.7",
        "api.club.test. 60 IN AAAA 2001:db8::7",
        "club.test. 60 IN NS ns1.hoster.example.",
        "club.test. 60 IN NS ns2.hoster.example.",
    )
    found = await look_at(names, "api.club.test")
    assert found.addresses == ("203.0.113.7", "2001:db8::7")
    assert found.name_servers == (("ns1.hoster.example", "ns2.hoster.example"),)
    assert found.unknown == {}


async def test_the_nearest_zone_counts(names: DnsFaults) -> None:
    names.add(
        "www.pages.club.test. 60 IN A 203.0.113.7",
        "pages.club.test. 60 IN NS ns.other.example.",
        "club.test. 60 IN NS ns.hoster.example.",
    )
    found = await look_at(names, "www.pages.club.test")
    assert found.name_servers == (("ns.other.example",),)


async def test_a_suffix_of_a_registry_is_never_asked(names: DnsFaults) -> None:
    """Else everything below .asso.fr would hang on its registry."""
    names.add("club.asso.fr. 60 IN A 203.0.113.7", "asso.fr. 60 IN NS d.nic.fr.")
    found = await look_at(names, "club.asso.fr")
    assert found.name_servers == ()
    assert Kind.NAME_SERVERS in found.unknown
    assert not {("asso.fr.", "NS"), ("fr.", "NS")} & set(names.queries)


async def test_an_alias_is_followed_to_its_own_zone(names: DnsFaults) -> None:
    names.add(
        "www.club.test. 60 IN CNAME club.pages.example.",
        "club.pages.example. 60 IN A 203.0.113.7",
        "pages.example. 60 IN NS ns.pages.example.",
        "club.test. 60 IN NS ns.hoster.example.",
    )
    found = await look_at(names, "www.club.test")
    assert found.aliases == ("club.pages.example",)
    assert set(found.name_servers) == {("ns.hoster.example",), ("ns.pages.example",)}


async def test_mail_exchangers_and_where_they_are(names: DnsFaults) -> None:
    names.add(
        "club.test. 60 IN MX 10 mx1.mail.example.",
        "club.test. 60 IN NS ns.hoster.example.",
        "mx1.mail.example. 60 IN A 203.0.113.25",
    )
    found = await look(names, Subject(Member(Role.MAIL, "club.test"), mail_domain="club.test"))
    assert found.hosts["club.test"].exchangers == ("mx1.mail.example",)
    assert found.hosts["club.test"].name_servers == (("ns.hoster.example",),)
    assert found.hosts["mx1.mail.example"].addresses == ("203.0.113.25",)


async def test_a_domain_without_exchangers_takes_its_own_mail(names: DnsFaults) -> None:
    names.add("club.test. 60 IN A 203.0.113.25", "club.test. 60 IN NS ns.hoster.example.")
    found = await look(names, Subject(Member(Role.MAIL, "club.test"), mail_domain="club.test"))
    assert found.hosts["club.test"].exchangers == ("club.test",)
    assert found.hosts["club.test"].addresses == ("203.0.113.25",)


async def test_a_domain_that_takes_no_mail(names: DnsFaults) -> None:
    names.add("club.test. 60 IN MX 0 .", "club.test. 60 IN NS ns.hoster.example.")
    found = await look(names, Subject(Member(Role.MAIL, "club.test"), mail_domain="club.test"))
    assert found.hosts["club.test"].exchangers == ()
    assert found.hosts["club.test"].unknown == {}


async def test_the_site_and_the_mail_on_one_name(names: DnsFaults) -> None:
    names.add(
        "club.test. 60 IN A 203.0.113.7",
        "club.test. 60 IN MX 10 mx.club.test.",
        "mx.club.test. 60 IN A 203.0.113.8",
        "club.test. 60 IN NS ns.hoster.example.",
    )
    subjects = [
        Subject(Member(Role.SITE, "site"), (Reach((web("club.test"),)),)),
        Subject(Member(Role.MAIL, "club.test"), mail_domain="club.test"),
    ]
    found = await look(names, *subjects)
    assert found.hosts["club.test"].addresses == ("203.0.113.7",)
    assert found.hosts["club.test"].exchangers == ("mx.club.test",)
    [one] = shared(subjects, found)
    assert [reason.fields["name"] for reason in one.evidence] == [
        "203.0.113.0/24",
        "club.test",
        "hoster.example",
    ]
    assert one.kinds == (Kind.NETWORK, Kind.ZONE, Kind.NAME_SERVERS)


@pytest.mark.parametrize(
    ("host", "reason"),
    [
        ("nx.club.test", "the name does not exist"),
        ("servfail.club.test", "the name server does not answer for this name"),
        ("refused.club.test", "the name server does not answer for this name"),
        (f"{'x' * 64}.test", "name look-up failed"),
    ],
)
async def test_a_failed_look_up_is_unknown_with_its_reason(names: DnsFaults, host: str, reason: str) -> None:
    assert (await look_at(names, host)).unknown[Kind.ADDRESS] == reason


async def test_a_zone_that_fails_is_unknown(names: DnsFaults) -> None:
    names.add("www.servfail.test. 60 IN A 203.0.113.7")
    found = await look_at(names, "www.servfail.test")
    assert found.addresses == ("203.0.113.7",)
    assert found.unknown == {Kind.NAME_SERVERS: "the name server does not answer for this name"}


async def test_silence_ends_with_the_deadline_and_spoils_nothing_else(names: DnsFaults) -> None:
    names.add("good.test. 60 IN A 203.0.113.7", "good.test. 60 IN NS ns.hoster.example.")
    silent, good = channel("one", 1, web("silent.test")), channel("two", 2, web("good.test"))
    started = time.perf_counter()
    found = await look(names, silent, good, within_s=0.6)
    assert time.perf_counter() - started < 1.5
    assert found.hosts["silent.test"].unknown == {Kind.ADDRESS: LATE, Kind.NAME_SERVERS: LATE}
    assert found.hosts["good.test"].unknown == {}
    assert found.hosts["good.test"].addresses == ("203.0.113.7",)


async def test_a_name_server_that_is_not_there(names: DnsFaults) -> None:
    with refused_port() as port:
        found = await discover([channel("one", 1, web("club.test"))], [(HOST, port)], within_s=0.6)
    assert set(found.hosts["club.test"].unknown) == {Kind.ADDRESS, Kind.NAME_SERVERS}


async def test_the_next_resolver_is_asked(names: DnsFaults) -> None:
    names.add("club.test. 60 IN A 203.0.113.7", "club.test. 60 IN NS ns.hoster.example.")
    with refused_port() as port:
        resolvers = [(HOST, port), (names.host, names.port)]
        found = await discover([channel("one", 1, web("club.test"))], resolvers)
    assert found.hosts["club.test"].addresses == ("203.0.113.7",)


async def test_addresses_and_names_of_the_house_ask_no_name_server(names: DnsFaults) -> None:
    hosts = ["192.168.1.10", "127.0.0.1", "2001:db8::1", "localhost"]
    found = await look(names, *(channel(host, 1, web(host)) for host in hosts))
    assert [found.hosts[host].addresses for host in hosts[:3]] == [(host,) for host in hosts[:3]]
    assert "127.0.0.1" in found.hosts["localhost"].addresses
    assert all(facts.unknown == {} for facts in found.hosts.values())
    assert names.queries == []


# -- certificates ------------------------------------------------------------------------------


@asynccontextmanager
async def tls_server(file: Path) -> AsyncIterator[int]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    heard: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.append(await reader.read())
        writer.close()

    server = await asyncio.start_server(serve, HOST, 0, ssl=context)
    async with server:
        yield server.sockets[0].getsockname()[1]
    await asyncio.sleep(0)
    assert all(words == b"" for words in heard), "nothing but the handshake"


def issued(certificates: Certificates, host: str, organisation: str) -> Path:
    path = certificates.directory / f"{host}.pem"
    certificate = certificates.authority.issue_cert(host, organization_name=organisation)
    certificate.private_key_and_cert_chain_pem.write_to_path(str(path))
    return path


async def test_two_hosts_with_one_certificate_owner(names: DnsFaults, certificates: Certificates) -> None:
    names.add(f"a.one.test. 60 IN A {HOST}", f"b.two.test. 60 IN A {HOST}")
    names.add("one.test. 60 IN NS ns.one.example.", "two.test. 60 IN NS ns.two.example.org.")
    async with (
        tls_server(issued(certificates, "a.one.test", "Big Company")) as first,
        tls_server(issued(certificates, "b.two.test", "Big Company")) as second,
    ):
        subjects = [
            channel("one", 1, web("a.one.test", first)),
            channel("two", 2, web("b.two.test", second)),
        ]
        resolvers = [(names.host, names.port)]
        found = await discover(subjects, resolvers, tls=certificates.client_context())
    [certificate] = found.hosts["a.one.test"].certificates
    assert certificate.owner == "Big Company"
    assert certificate.days is not None
    assert certificate.days > 14
    [one] = shared(subjects, found)
    assert (one.kind, one.name) == (Kind.CERTIFICATE, "Big Company")


@pytest.mark.parametrize("kind", ["expired", "wrong_name", "foreign"])
async def test_a_bad_certificate_tells_nothing(
    certificates: Certificates, kind: str, names: DnsFaults
) -> None:
    async with tls_server(getattr(certificates, kind)) as port:
        subject = channel("one", 1, Endpoint("localhost", port, secure=True))
        found = await discover([subject], tls=certificates.client_context())
    facts = found.hosts["localhost"]
    assert facts.certificates == ()
    assert facts.unknown[Kind.CERTIFICATE].startswith("certificate not valid")


async def test_a_port_without_an_answer_is_unknown(certificates: Certificates) -> None:
    tls = certificates.client_context()
    with refused_port() as refusing, blackhole() as hanging, silent_server() as silent:
        endpoints = [Endpoint(HOST, port, secure=True) for port in (refusing, hanging, silent.port)]
        for endpoint, reason in zip(endpoints, ["connection refused", LATE, LATE], strict=True):
            found = await discover([channel("one", 1, endpoint)], tls=tls, within_s=0.4)
            assert found.hosts[HOST].unknown == {Kind.CERTIFICATE: reason}


@pytest.mark.parametrize(
    ("certificate", "expected"),
    [
        ({}, None),
        ({"subject": ((("commonName", "club.test"),),)}, None),
        (
            {
                "subject": ((("countryName", "FR"),), (("organizationName", "OVH SAS"),)),
                "subjectAltName": (("DNS", "ssl0.ovh.net"),),
            },
            "OVH SAS",
        ),
        ({"subjectAltName": (("DNS", "*.github.io"), ("DNS", "github.io"))}, "github.io"),
        ({"subjectAltName": (("DNS", "www.club.test"), ("DNS", "club.test"))}, "club.test"),
        ({"subjectAltName": (("DNS", "a.one.net"), ("DNS", "b.two.net"))}, "one.net + two.net"),
        ({"subjectAltName": (("IP Address", "203.0.113.7"),)}, None),
    ],
)
def test_whose_certificate(certificate: dict[str, object], expected: str | None) -> None:
    assert owner(certificate) == expected


def test_our_own_address_is_found_on_the_way_to_itself() -> None:
    assert HOST in own_addresses([HOST])
    assert "203.0.113.7" not in own_addresses(["203.0.113.7"])
