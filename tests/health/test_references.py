"""References: what counts as an answer, and who only pretends to be the internet (captive portals)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

import pytest

import fallback_cast.channels.kit.transport  # noqa: F401  loads now, on nobody's time
from fallback_cast.health import references
from fallback_cast.health.references import Reference, captive
from fallback_cast.model.errors import Layer
from fallback_cast.model.health import Check
from fallback_cast.model.texts import say
from tests.channels.watching import open_sockets, settled
from tests.counterparts import dns_faults as dns
from tests.counterparts import http_faults as http
from tests.counterparts.dns_faults import DnsFaults
from tests.counterparts.http_faults import HttpFaults, Script
from tests.counterparts.netns import Network
from tests.counterparts.ports import blackhole, refused_port, silent_server
from tests.counterparts.processes import run
from tests.counterparts.tls import Certificates

ROOT_ZONE = ". 60 IN NS a.root.test."
HTML = {"content-type": "text/html; charset=utf-8"}


def page(title: str, status: int = 200) -> Script:
    return http.reply(status, f"<html><head><title>{title}</title></head></html>", headers=HTML)


async def looked(written: str) -> tuple[bool, str, str]:
    before = open_sockets()
    check = await Reference(written).look()
    await settled(before)
    assert check.decisive
    return check.ok, check.layer.value, check.detail


# tcp://


@pytest.fixture
def name_server(private_network: Network) -> Iterator[DnsFaults]:
    """At port 53 of the server's side."""
    with ExitStack() as stack:
        with private_network.server.entered():
            faults = stack.enter_context(dns.dns_faults(host=private_network.server.address, port=53))
        yield faults


async def test_a_name_server_answers_a_real_question(
    private_network: Network, name_server: DnsFaults, monkeypatch: pytest.MonkeyPatch
) -> None:
    name_server.add(ROOT_ZONE)
    reference = f"tcp://{name_server.host}:53"
    with private_network.client.entered():
        assert await looked(reference) == (True, "service", "the name server answers")
        assert name_server.queries == [(".", "NS")]
        name_server.forget()
        assert await looked(reference) == (False, "service", "the name server answers NXDOMAIN")
        name_server.broken = True
        assert await looked(reference) == (False, "service", "the name server answers SERVFAIL")
        with private_network.rejected(53):
            assert await looked(reference) == (False, "route", "connection refused")
        monkeypatch.setattr(references, "LOOK_S", 0.5)
        with private_network.cut():
            ok, _, detail = await looked(reference)
            assert not ok
            assert detail in ("no answer in time", "no route to the host")


async def test_an_open_port_53_alone_is_no_answer(
    private_network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Portals take every connection."""
    monkeypatch.setattr(references, "LOOK_S", 0.5)
    with ExitStack() as stack:
        with private_network.server.entered():
            silent = stack.enter_context(http.http_faults(host=private_network.server.address, port=53))
        silent.always(http.hang())
        with private_network.client.entered():
            assert not (await Reference(f"tcp://{private_network.server.address}:53").look()).ok


async def test_other_ports_only_take_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    with silent_server() as server:
        assert await looked(f"tcp://{server.host}:{server.port}") == (True, "service", "")
    with refused_port() as port:
        assert await looked(f"tcp://127.0.0.1:{port}") == (False, "route", "connection refused")
    monkeypatch.setattr(references, "LOOK_S", 0.3)
    with blackhole() as port:
        started = time.monotonic()
        assert await looked(f"tcp://127.0.0.1:{port}") == (False, "service", "no answer in time")
        assert time.monotonic() - started < 20  # the kernel would try for two minutes
    ok, layer, _ = await looked(f"tcp://{'x' * 64}.invalid:53")
    assert (ok, layer) == (False, "name")


# http:// and https://


@pytest.mark.parametrize(
    ("script", "path", "ok"),
    [
        (page("Our neighbours"), "/", True),
        (http.reply(204), "/generate_204", True),
        (http.reply(200, "x"), "/generate_204", False),
        (http.reply(404, "gone"), "/", True),
        (http.reply(503, "down"), "/", False),
        (page("Log in", 511), "/", False),
        (http.redirect("/elsewhere"), "/", True),
        (http.redirect("https://127.0.0.1/"), "/", True),
        (http.redirect("http://portal.example/login?from=127.0.0.1"), "/", False),
        (http.redirect("//portal.example/"), "/", False),
        (http.hang(), "/", False),
        (http.reset(), "/", False),
        (http.nonsense(), "/", False),
    ],
)
async def test_what_a_plain_address_may_answer(
    http_faults: HttpFaults, monkeypatch: pytest.MonkeyPatch, script: Script, path: str, ok: bool
) -> None:
    monkeypatch.setattr(references, "LOOK_S", 2.0)
    http_faults.always(http.reply(404, "nothing here"))
    http_faults.always(script, path=path)
    assert (await looked(http_faults.url + path))[0] is ok


async def test_the_same_page_for_every_question_is_no_answer(http_faults: HttpFaults) -> None:
    http_faults.always(page("Welcome to the hotel"))
    ok, layer, detail = await looked(http_faults.url + "/")
    assert (ok, layer) == (False, "service")
    assert detail.startswith("a wrong page answers (")
    http_faults.always(http.reply(200, '{"ok": true}', headers={"content-type": "application/json"}))
    assert (await looked(http_faults.url + "/"))[0], "a portal shows pages"


async def test_www_is_the_same_house(http_faults: HttpFaults) -> None:
    http_faults.always(http.redirect("https://www.localhost/"))
    assert (await looked(f"http://localhost:{http_faults.port}/"))[0]


async def test_a_valid_certificate_is_answer_enough(certificates: Certificates) -> None:
    with http.http_faults(tls=certificates.server_context()) as server:
        server.always(http.reply(503, "down for maintenance"))
        reference = Reference(server.url, certificates.ca_file)
        assert (await reference.look()).ok
        assert reference.name == server.url
        stranger = await Reference(server.url).look()  # whose authority we do not know
        assert (stranger.ok, stranger.layer) == (False, Layer.TLS)
        assert stranger.detail.startswith("a wrong certificate answers (")
        server.always(http.redirect("https://elsewhere.example/"))
        assert not (await reference.look()).ok


async def test_an_expired_certificate_may_be_our_own_clock(certificates: Certificates) -> None:
    with http.http_faults(tls=certificates.server_context("expired")) as server:
        check = await Reference(server.url, certificates.ca_file).look()
    assert (check.ok, check.detail) == (False, "certificate not valid: certificate has expired")
    assert not captive([check])


# Captive portals.


def wrong(mark: str, what: str = "page") -> Check:
    return Check(Layer.SERVICE, False, 0.1, f"a wrong {what} answers ({mark})")


FINE = Check(Layer.SERVICE, True, 0.1)
DEAD = Check(Layer.SERVICE, False, 5.0, "no answer in time")


@pytest.mark.parametrize(
    ("checks", "portal"),
    [
        ([], False),
        ([DEAD, DEAD], False),
        ([wrong("0a1b2c3d"), wrong("0a1b2c3d")], True),
        ([DEAD, wrong("0a1b2c3d")], True),
        ([wrong("0a1b2c3d"), wrong("0a1b2c3d"), FINE], False),
        ([wrong("0a1b2c3d"), wrong("99999999")], False),
        ([wrong("0a1b2c3d"), wrong("99999999", "certificate"), DEAD], True),
        ([wrong("0a1b2c3d", "certificate"), wrong("99999999", "certificate")], False),
    ],
)
def test_a_portal_gives_one_answer_for_everybody(checks: list[Check], portal: bool) -> None:
    assert captive(checks) is portal
    assert captive([replace(check, detail=str(check.detail)) for check in reversed(checks)]) is portal


@contextmanager
def portal(network: Network, certificates: Certificates, script: Script) -> Iterator[None]:
    """The server's side is our router, and answers on the web in place of everybody; nothing else passes."""
    server = network.server
    rules = (
        "table ip portal { chain arriving { type nat hook prerouting priority dstnat;"
        " tcp dport { 80, 443 } redirect; }; chain passing { type filter hook forward priority 0; drop; }; }"
    )
    run(["ip", "-n", network.client.name, "route", "add", "default", "via", server.address])
    server.run(["sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"])
    server.run(["nft", "-f", "-"], stdin=rules)
    with ExitStack() as stack:
        with server.entered():
            tls = certificates.server_context("wrong_name")
            plain = stack.enter_context(http.http_faults(host="0.0.0.0", port=80))
            encrypted = stack.enter_context(http.http_faults(tls, host="0.0.0.0", port=443))
        plain.always(script)
        encrypted.always(script)
        with network.client.entered():
            yield


@pytest.mark.parametrize(
    "script",
    [page("Welcome to the hotel"), http.redirect("http://portal.example/login")],
    ids=["page", "redirect"],
)
async def test_a_captive_portal_is_recognised(
    private_network: Network, certificates: Certificates, script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(references, "LOOK_S", 2.0)
    written = (
        "http://192.0.2.1/",
        "https://198.51.100.7/",
        "http://203.0.113.9/generate_204",
        "tcp://192.0.2.53:53",
    )
    with portal(private_network, certificates, script):
        checks = [await Reference(name, certificates.ca_file).look() for name in written]
    assert [check.ok for check in checks] == [False] * 4
    assert "a wrong certificate answers" in checks[1].detail
    assert captive(checks)
    assert all("répond" in say("fr", check.detail) for check in checks[:3])


async def test_no_line_at_all_is_no_portal(private_network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(references, "LOOK_S", 0.3)
    with private_network.client.entered():
        checks = [
            await Reference(f"{scheme}192.0.2.1:53").look() for scheme in ("tcp://", "http://", "https://")
        ]
    assert not any(check.ok for check in checks)
    assert not captive(checks)


def test_a_reference_shows_as_written() -> None:
    assert repr(Reference("tcp://9.9.9.9:53")) == "Reference('tcp://9.9.9.9:53')"
