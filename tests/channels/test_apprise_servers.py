"""Apprise: probes, and sends to real servers over MQTT, IRC and XMPP."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from fallback_cast.channels.apprise.channel import AppriseChannel
from fallback_cast.model.errors import (
    Layer,
    OutcomeUnknown,
)
from fallback_cast.model.health import failed_check
from fallback_cast.model.message import Accepted
from tests.channels.fake import CLUB, announcement
from tests.channels.fake_apprise import PASSWORD, PATH_SECRET, build, posts
from tests.counterparts import http_faults as http
from tests.counterparts.http_faults import HttpFaults
from tests.counterparts.mosquitto import Mosquitto, wait_for_heard
from tests.counterparts.ngircd import Ngircd
from tests.counterparts.prosody import Prosody
from tests.counterparts.tls import Certificates, Kind

PAGE = "https://sainte-anne.example/annonces/20261128-k7f3qd.html"


async def send(channel: AppriseChannel, **changes: Any) -> Accepted:
    message = channel.render(announcement(**changes), PAGE)
    return await channel.send(message, "configured", "key")


# Probes.


async def test_a_probe_asks_at_the_door_only(http_faults: HttpFaults) -> None:
    checks = await build(f"json://127.0.0.1:{http_faults.port}/in/{PATH_SECRET}").probe()
    assert [check.layer for check in checks] == [Layer.NAME, Layer.ROUTE, Layer.SERVICE]
    assert failed_check(checks) is None
    assert [(request.method, request.path) for request in http_faults.requests] == [("HEAD", "/")]


@pytest.mark.parametrize(
    ("url", "domains"),
    [
        ("tgram://123456789:abcdefg_hijklmnop/12315544/", {"telegram"}),
        ("ntfy://topic", {"ntfy"}),
        ("whatsapp://" + "t" * 20 + "@12345/33199001235", {"whatsapp", "meta"}),
        ("freemobile://12345678@abcdefghijklmn", {"free-mobile"}),
    ],
)
async def test_of_a_fixed_service_only_the_url_is_known(url: str, domains: set[str]) -> None:
    channel = build(url)
    assert channel.failure_domains == domains
    (check,) = await channel.probe()
    assert check.ok
    assert "message" in check.detail


def test_domains_and_hosts() -> None:
    assert build("gotifys://gotify.example.org/AbCdEfGh1234567").failure_domains == {"gotify.example.org"}
    assert build("json://[::1]:80/").failure_domains == {"::1"}
    assert build("ntfy://topic", failure_domains=["ours"]).failure_domains == {"ours"}


async def test_a_named_door_is_knocked_at(http_faults: HttpFaults) -> None:
    with http.refused_port() as port:
        closed = await build("ntfy://topic", probe=f"tcp://127.0.0.1:{port}").probe()
    assert closed[-1].layer is Layer.ROUTE
    assert not closed[-1].ok
    opened = await build("ntfy://topic", probe=f"tcp://127.0.0.1:{http_faults.port}").probe()
    assert failed_check(opened) is None
    assert not http_faults.requests


@pytest.mark.parametrize(("kind", "wanted"), [("good", None), ("expired", Layer.TLS), ("foreign", Layer.TLS)])
async def test_certificates_are_judged_as_in_sending(
    kind: Kind, wanted: Layer | None, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificates.ca_file))
    with http.http_faults(certificates.server_context(kind)) as faults:
        channel = build(f"jsons://localhost:{faults.port}/", timeout="5s")
        failed = failed_check(await channel.probe())
        assert (failed and failed.layer) is wanted
        assert not posts(faults)
        if wanted is None:
            assert await send(channel) == Accepted()
        else:
            with pytest.raises(OutcomeUnknown):
                await send(channel)
            assert not posts(faults)


async def test_an_unchecked_certificate_is_the_urls_own_word(certificates: Certificates) -> None:
    with http.http_faults(certificates.server_context("foreign")) as faults:
        channel = build(f"jsons://localhost:{faults.port}/?verify=no", timeout="5s")
        assert failed_check(await channel.probe()) is None
        assert await send(channel) == Accepted()


# Real servers.


@pytest.mark.counterpart
async def test_mqtt_delivers(mqtt_server: Mosquitto) -> None:
    url = f"mqtt://{mqtt_server.username}:{mqtt_server.password}@127.0.0.1:{mqtt_server.port}/club/annonces"
    with mqtt_server.listening() as heard:
        threads = set(threading.enumerate())
        async with build(url, timeout="5s") as channel:
            assert failed_check(await channel.probe()) is None
            assert await send(channel) == Accepted()
            wait_for_heard(heard)
            assert await send(channel) == Accepted()
            first, second = wait_for_heard(heard, 2)
        left = set(threading.enumerate()) - threads
        assert not [thread for thread in left if "paho" in thread.name], "closing hangs up"
    assert first.topic == "club/annonces"
    assert "Concours annulé" in first.text
    assert "K7F3" in first.text
    assert first == second


@pytest.mark.counterpart
async def test_mqtt_with_a_wrong_password_is_unknown(mqtt_server: Mosquitto) -> None:
    channel = build(f"mqtt://club:{PASSWORD}@127.0.0.1:{mqtt_server.port}/club?rto=1", timeout="3s")
    with mqtt_server.listening() as heard, pytest.raises(OutcomeUnknown):
        await send(channel)
    assert not heard


@pytest.mark.counterpart
async def test_irc_delivers_every_line(irc_server: Ngircd) -> None:
    channel = build(f"irc://127.0.0.1:{irc_server.port}/%23club?join=yes", timeout="15s")
    assert failed_check(await channel.probe()) is None
    with irc_server.listening("#club") as listener:
        sending = asyncio.create_task(send(channel))
        lines = [(await asyncio.to_thread(listener.wait_for_message)).text]
        while CLUB.name not in lines[-1]:
            lines.append((await asyncio.to_thread(listener.wait_for_message)).text)
        assert await sending == Accepted()
    assert "Concours annulé" in lines[0]
    assert any(PAGE in line for line in lines)
    assert any("K7F3" in line for line in lines)


@pytest.mark.counterpart
async def test_xmpp_delivers_over_starttls(
    xmpp_server: Prosody, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("certifi.where", lambda: str(certificates.ca_file))
    channel = build(_xmpp(xmpp_server, "?mode=starttls"), timeout="15s")
    checks = await channel.probe()
    assert [check.layer for check in checks] == [Layer.NAME, Layer.ROUTE, Layer.TLS]
    assert failed_check(checks) is None
    assert await send(channel) == Accepted()
    assert len(xmpp_server.wait_for_messages()) == 1
    assert "K7F3" in xmpp_server.directory.joinpath("data/localhost/offline/member.list").read_text()


@pytest.mark.counterpart
async def test_a_false_yes_of_xmpp_is_foretold_by_the_probe(xmpp_server: Prosody) -> None:
    """Nobody vouches for the certificate. If the yes has become a no, Apprise has mended it."""
    channel = build(_xmpp(xmpp_server, "?mode=starttls"), timeout="15s")
    failed = failed_check(await channel.probe())
    assert failed is not None
    assert failed.layer is Layer.TLS
    assert await send(channel) == Accepted()
    assert not xmpp_server.messages()


@pytest.mark.counterpart
async def test_xmpp_with_an_unchecked_certificate(xmpp_server: Prosody) -> None:
    channel = build(_xmpp(xmpp_server, "?mode=starttls&verify=no"), timeout="15s")
    assert failed_check(await channel.probe()) is None
    assert await send(channel) == Accepted()
    assert len(xmpp_server.wait_for_messages()) == 1


@pytest.mark.counterpart
async def test_xmpp_with_a_wrong_password_is_no_yes(xmpp_server: Prosody) -> None:
    channel = build(_xmpp(xmpp_server, "?mode=starttls&verify=no", PASSWORD), timeout="10s")
    with pytest.raises(OutcomeUnknown):
        await send(channel)
    assert not xmpp_server.messages()


async def test_a_server_without_starttls_fails_the_probe(http_faults: HttpFaults) -> None:
    http_faults.always(http.cut_before_reading())
    url = f"xmpp://club:pw@127.0.0.1:{http_faults.port}/member@localhost?mode=starttls"
    failed = failed_check(await build(url).probe())
    assert failed is not None
    assert failed.layer is Layer.TLS
    assert failed.detail in ("the server offers no STARTTLS", "no TLS connection")


@pytest.mark.counterpart
@pytest.mark.parametrize(
    "url",
    [
        "mqtt://127.0.0.1:{port}/club",
        "irc://127.0.0.1:{port}/%23club",
        "xmpp://club:pw@127.0.0.1:{port}/member@localhost?mode=starttls",
    ],
)
async def test_nobody_listening_is_told_by_the_probe(url: str) -> None:
    with http.refused_port() as port:
        channel = build(url.format(port=port), timeout="4s")
        checks = await channel.probe()
        assert checks[-1].layer is Layer.ROUTE
        assert not checks[-1].ok
        with pytest.raises(OutcomeUnknown):
            await send(channel)


def _xmpp(server: Prosody, query: str, password: str | None = None) -> str:
    user = server.username.partition("@")[0]
    return f"xmpp://{user}:{password or server.password}@localhost:{server.port}/{server.member}{query}"
