"""Probes layer by layer against real faults: both resolvers, each address, certificates, and time."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from fallback_cast.channels.email import Settings as EmailSettings
from fallback_cast.channels.email import build as build_email
from fallback_cast.channels.kit import names, probe, way
from fallback_cast.channels.kit.http import HttpClient
from fallback_cast.channels.kit.probe import probe_application, probe_connection, probe_http
from fallback_cast.channels.kit.settings import BuildContext
from fallback_cast.model.errors import Layer, Throttled, Unavailable
from fallback_cast.model.health import Check, failed_check
from fallback_cast.model.texts import say
from tests.channels.fake import CLUB
from tests.channels.probed import Seen, look
from tests.channels.test_probe_names import ZONE_CLUB, broken, second
from tests.channels.watching import open_sockets, settled
from tests.counterparts import http_faults as http
from tests.counterparts.http_faults import HttpFaults
from tests.counterparts.netns import Network
from tests.counterparts.ports import blackhole, refused_port, silent_server
from tests.counterparts.smtp_faults import SmtpFaults
from tests.counterparts.tls import Certificates, Kind

FOUR, SIX, NOBODY = "10.77.0.2", "fd77::2", "10.77.0.99"


@contextmanager
def listening(network: Network, *addresses: str, port: int = 80) -> Iterator[None]:
    with ExitStack() as stack:
        with network.server.entered():
            for address in addresses:
                stack.enter_context(http.http_faults(host=address, port=port))
        yield


def details(checks: list[Check]) -> list[tuple[str, bool, str, bool]]:
    return [(check.layer.value, check.ok, check.detail, check.decisive) for check in checks]


# Each address.


def test_all_is_well_and_nothing_is_said(private_network: Network) -> None:
    with listening(private_network, FOUR, SIX), private_network.names({"dual.test": [FOUR, SIX]}):
        seen = look(private_network.client, "probe", "dual.test")
    assert seen.rows == [("name", True, "", True), ("route", True, "", True)]


def test_one_failing_family_is_a_detail(private_network: Network) -> None:
    with listening(private_network, FOUR), private_network.names({"dual.test": [FOUR, SIX]}):
        refused = look(private_network.client, "probe", "dual.test")
        with private_network.filtered(f"ip6 daddr {SIX} tcp dport 80 drop"):
            dropped = look(private_network.client, "probe", "dual.test", aside=way.ASIDE_S)
    assert refused.rows == [
        ("name", True, "", True),
        ("route", False, "IPv6: connection refused", False),
        ("route", True, "", True),
    ]
    assert failed_check(refused.checks) is None
    assert dropped.rows[1] == ("route", False, "IPv6: no answer yet", False)
    assert failed_check(dropped.checks) is None
    assert dropped.elapsed < way.ROUTE_S - 0.5, "a dead address holds nobody up"


def test_a_family_that_we_do_not_have_says_nothing_of_the_platform(private_network: Network) -> None:
    with listening(private_network, FOUR), private_network.names({"dual.test": [FOUR, "2001:db8::1"]}):
        seen = look(private_network.client, "probe", "dual.test")
    assert seen.rows == [("name", True, "", True), ("route", True, "", True)]


def test_all_addresses_fail_alike_or_not(private_network: Network) -> None:
    with private_network.names({"dual.test": [FOUR, SIX], "half.test": [FOUR, NOBODY]}):
        alike = look(private_network.client, "probe", "dual.test")
        mixed = look(private_network.client, "probe", "half.test")
        with private_network.filtered("tcp dport 80 drop"):
            dropped = look(private_network.client, "probe", "dual.test")
    assert alike.rows[1:] == [("route", False, "connection refused", True)]
    assert mixed.rows[-1] in (
        ("route", False, "no route to the host", True),
        ("route", False, "no connection in time", True),
    ), "the least certain way decides"
    assert ("route", False, "IPv4: connection refused", False) in mixed.rows
    assert dropped.rows[1:] == [("route", False, "no connection in time", True)]
    assert dropped.elapsed < way.WHOLE_S


def test_the_cable_is_out(private_network: Network) -> None:
    with private_network.names({"dual.test": [FOUR]}), private_network.cut():
        seen = look(private_network.client, "probe", FOUR)
        named = look(private_network.client, "probe", "dual.test")
    assert failed_check(seen.checks) == seen.checks[-1]
    assert seen.checks[-1].layer is Layer.ROUTE
    assert seen.elapsed < way.WHOLE_S
    assert named.checks[-1].layer is Layer.NAME
    assert named.elapsed < way.WHOLE_S


# Both resolvers.

NO_WORD = "the name server does not answer for this name"


def test_both_resolvers_agree(private_network: Network) -> None:
    with (
        listening(private_network, FOUR),
        second(private_network, ZONE_CLUB) as server,
        private_network.names({"club.test": FOUR}),
    ):
        seen = look(private_network.client, "probe", "club.test", resolvers=[server])
    assert seen.rows == [
        ("name", True, "second resolver: it finds the name", False),
        ("name", True, "", True),
        ("route", True, "", True),
    ]


def test_a_broken_resolver_of_our_own_is_no_outage(private_network: Network) -> None:
    with (
        listening(private_network, FOUR),
        second(private_network, ZONE_CLUB) as server,
        broken(private_network, "club.test", 8) as dnsmasq,
    ):
        servfail = look(private_network.client, "probe", "club.test", resolvers=[server])
        alone = look(private_network.client, "probe", "club.test")
        with dnsmasq.frozen():
            silent = look(private_network.client, "probe", "club.test", resolvers=[server], alone=1)
    assert servfail.rows == [
        ("name", False, NO_WORD, False),
        ("name", True, "second resolver: it finds the name", True),
        ("route", True, "", True),
    ]
    assert silent.rows == [
        ("name", False, "the name server does not answer in time", False),
        *servfail.rows[1:],
    ]
    assert silent.elapsed < 5, "nobody waits for the end of a silent name server"
    assert alone.rows == [("name", False, NO_WORD, True)]


def test_apprise_cannot_go_on_by_the_second_resolver(private_network: Network) -> None:
    with (
        listening(private_network, FOUR),
        second(private_network, ZONE_CLUB) as server,
        broken(private_network, "club.test"),
    ):
        seen = look(private_network.client, "apprise", "club.test", resolvers=[server])
    assert seen.rows == [
        ("name", True, "second resolver: it finds the name", False),
        ("name", False, NO_WORD, True),
    ]


def test_a_name_that_the_system_knows_not_to_exist_is_a_failure(private_network: Network) -> None:
    """Sending asks the system, which has an answer: there is no such name."""
    with second(private_network, ZONE_CLUB) as server, private_network.names({}):
        other = look(private_network.client, "probe", "club.test", resolvers=[server])
        both = look(private_network.client, "probe", "nobody.test", resolvers=[server])
    assert other.rows == [
        ("name", True, "second resolver: it finds the name", False),
        ("name", False, "the name does not exist", True),
    ]
    assert both.rows == [
        ("name", False, "second resolver: the name does not exist", True),
        ("name", False, "the name does not exist", True),
    ]


def test_the_fourth_of_october(private_network: Network) -> None:
    """Both resolvers fail for this name, and the second one says why: its name servers are gone."""
    gone = "ede22.platform.test"
    with second(private_network, ZONE_CLUB) as server, broken(private_network, gone):
        seen = look(private_network.client, "probe", gone, resolvers=[server])
    reason = "the look-up of this name fails (SERVFAIL: none of its name servers can be reached)"
    assert seen.rows == [
        ("name", False, f"second resolver: {reason}", True),
        ("name", False, NO_WORD, True),
    ]


def test_a_dead_second_resolver_costs_next_to_nothing(private_network: Network) -> None:
    with listening(private_network, FOUR), private_network.names({"club.test": FOUR}):
        dead = look(private_network.client, "probe", "club.test", resolvers=[NOBODY], aside=way.ASIDE_S)
        with second(private_network) as server:  # it answers, and does not know the name
            other = look(private_network.client, "probe", "club.test", resolvers=[server])
    assert dead.rows[0] == ("name", False, "second resolver: no answer yet", False)
    assert failed_check(dead.checks) is None
    assert dead.elapsed < names.ASK_S - 0.2
    assert other.rows[0] == ("name", False, "second resolver: the name does not exist", False)
    assert failed_check(other.checks) is None


# TLS: the chain, the name, the days left.


@pytest.mark.parametrize(
    ("kind", "reason", "french"),
    [
        ("expired", "certificate not valid: certificate has expired", "il a expiré"),
        ("foreign", "certificate not valid: unable to get local issuer certificate", "son autorité"),
        ("wrong_name", "certificate not valid: ip address mismatch", "une autre adresse"),
    ],
)
async def test_a_certificate_that_is_refused(
    certificates: Certificates, kind: Kind, reason: str, french: str
) -> None:
    with http.http_faults(tls=certificates.server_context(kind)) as server:
        checks = await probe_connection("127.0.0.1", server.port, certificates.client_context())
    assert details(checks)[-1] == ("tls", False, reason, True)
    assert french in say("fr", reason.partition(": ")[2])


@pytest.mark.parametrize(
    ("days", "words"),
    [
        (400, "certificate valid for 399 days"),
        (16, "certificate valid for 15 days"),
        (14.5, "the certificate ends in 14 days: have it renewed"),
        (0.5, "the certificate ends in 0 days: have it renewed"),
    ],
)
async def test_days_left(certificates: Certificates, days: float, words: str) -> None:
    file = certificates.directory / f"{days}.pem"
    until = datetime.now(UTC) + timedelta(days=days)
    issued = certificates.authority.issue_cert("127.0.0.1", not_after=until)
    issued.private_key_and_cert_chain_pem.write_to_path(str(file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    with http.http_faults(tls=context) as server:
        checks = await probe_connection("127.0.0.1", server.port, certificates.client_context())
    assert details(checks)[-1] == ("tls", True, words, True)
    assert "jours" in say("fr", checks[-1].detail)


async def test_tls_to_a_server_that_speaks_none_or_says_nothing(
    certificates: Certificates, smtp_faults: SmtpFaults, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = await probe_connection("127.0.0.1", smtp_faults.port, certificates.client_context())
    assert details(plain)[-1] == ("tls", False, "no TLS connection", True)
    monkeypatch.setattr(probe, "TLS_S", 0.2)
    before = open_sockets()
    with silent_server() as server:
        silent = await probe_connection(server.host, server.port, certificates.client_context())
    assert details(silent)[-1] == ("tls", False, "no TLS answer in time", True)
    await settled(before)


# Time.


async def test_a_probe_ends_by_itself_and_names_the_layer(
    http_faults: HttpFaults, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever drips, hangs or asks for more steps: the whole has one deadline."""
    monkeypatch.setattr(way, "WHOLE_S", 0.4)
    http_faults.always(http.hang())
    asked: list[str] = []

    async def ask(client: HttpClient) -> str:
        asked.append("ask")
        return str((await client.request("GET", "/")).status_code)

    started = time.monotonic()
    checks = await probe_http(HttpClient(http_faults.url), ask, (ask, Layer.ACCOUNT))
    assert time.monotonic() - started < 5
    assert details(checks)[-1] == ("service", False, "no answer in time", True)
    assert asked == ["ask"], "nothing is asked of who has failed"


async def test_further_steps_have_their_own_layer_and_end_with_the_first_that_fails(
    http_faults: HttpFaults,
) -> None:
    async def fine(_: HttpClient) -> str:
        return "seen"

    async def slower(_: HttpClient) -> str:
        raise Throttled("too fast", 3)

    async def broken(_: HttpClient) -> str:
        raise Unavailable("HTTP 500")

    client = HttpClient(http_faults.url)
    checks = await probe_http(
        client, fine, (fine, Layer.ACCOUNT), (broken, Layer.ACCOUNT), (fine, Layer.RATE)
    )
    assert [check.layer for check in checks][2:] == [Layer.SERVICE, Layer.ACCOUNT, Layer.SERVICE]
    assert [check.ok for check in checks][2:] == [True, True, False]
    limited = await probe_http(client, slower, (fine, Layer.ACCOUNT))
    assert [check.layer for check in limited][2:] == [Layer.RATE]


async def test_silence_is_a_failure_of_the_service() -> None:
    async def silent() -> str:
        await asyncio.sleep(5)
        return ""

    check = await probe_application(silent, Layer.ACCOUNT, within_s=0.05)
    assert (check.layer, check.ok, check.detail) == (Layer.SERVICE, False, "no answer in time")


async def test_a_cancelled_probe_leaves_nothing_open() -> None:
    before = open_sockets()
    with blackhole() as port:
        probing = asyncio.create_task(probe_connection("127.0.0.1", port))
        await asyncio.sleep(0.1)
        assert not probing.done()
        probing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await probing
    await settled(before)


# Mail goes the same way.


def relay(**keys: object) -> EmailSettings:
    address = "club@sainte-anne.example"
    return EmailSettings.model_validate(
        {"name": "email", "kind": "email", "sender": address, "relay": [{"host": "127.0.0.1", **keys}]}
    )


async def mail_checks(settings: EmailSettings) -> list[Check]:
    channel = build_email(settings, BuildContext(club=CLUB))
    async with channel:
        return list(await channel.providers[0].probe())


async def test_a_mail_probe_tells_every_layer(smtp_faults: SmtpFaults, certificates: Certificates) -> None:
    login = {"username": smtp_faults.username, "password": smtp_faults.password}
    checks = await mail_checks(
        relay(port=smtp_faults.port, security="starttls", ca_file=str(certificates.ca_file), **login)
    )
    assert [check.layer for check in checks] == [
        Layer.NAME,
        Layer.ROUTE,
        Layer.TLS,
        Layer.SERVICE,
        Layer.ACCOUNT,
    ]
    assert failed_check(checks) is None
    assert checks[2].detail.startswith("certificate valid for")


async def test_a_mail_server_that_says_nothing_or_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(way, "WHOLE_S", 1.5)
    with silent_server() as server:
        started = time.monotonic()
        silent = await mail_checks(relay(port=server.port, security="starttls", connect_timeout="30s"))
        assert time.monotonic() - started < 10
    assert details(silent)[-1] == ("tls", False, "no answer in time", True)
    with refused_port() as port:
        refused = await mail_checks(relay(port=port, security="none"))
    assert details(refused)[1:] == [("route", False, "connection refused", True)]


def test_rows_show_no_addresses(private_network: Network) -> None:
    with listening(private_network, FOUR), private_network.names({"dual.test": [FOUR, SIX, NOBODY]}):
        seen: Seen = look(private_network.client, "probe", "dual.test")
    assert not any(part in str(seen.rows) for part in ("10.77", "fd77", "dual"))
