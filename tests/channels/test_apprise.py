"""Apprise: what is refused in a URL, how its answers are read, how a message is cut, and real servers."""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import threading
import time
from typing import Any

import apprise as library
import pytest
from apprise.logger import NotifyLogEntry
from apprise.result import NotifyAttempt, NotifyResult
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from fallback_cast.channels.apprise import rendering
from fallback_cast.channels.apprise.channel import MAX_HANGING, AppriseChannel, read_result
from fallback_cast.channels.apprise.service import Gate, Waiting, load_service
from fallback_cast.model.errors import (
    AccessDenied,
    Layer,
    MessageRefused,
    OutcomeUnknown,
    SendError,
    Throttled,
    Unavailable,
)
from fallback_cast.model.health import failed_check
from fallback_cast.model.message import Accepted
from tests.channels import fake_apprise
from tests.channels.fake import CLUB, announcement
from tests.channels.fake_apprise import PASSWORD, PATH_SECRET, build, posts
from tests.counterparts import http_faults as http
from tests.counterparts.http_faults import HttpFaults
from tests.counterparts.mosquitto import Mosquitto, wait_for_heard
from tests.counterparts.ngircd import Ngircd
from tests.counterparts.prosody import Prosody
from tests.counterparts.tls import Certificates, Kind

PAGE = "https://sainte-anne.example/annonces/20261128-k7f3qd.html"
HOST = f"club:{PASSWORD}@example.org"
SERVICES = library.AppriseResultStatus


async def send(channel: AppriseChannel, **changes: Any) -> Accepted:
    message = channel.render(announcement(**changes), PAGE)
    return await channel.send(message, "configured", "key")


# What a URL must not say.


def refusal(url: str) -> str:
    with pytest.raises(ValidationError) as caught:
        fake_apprise.settings(url)
    shown = f"{caught.value!r} {caught.value}"
    assert PASSWORD not in shown
    assert "example.org" not in shown
    return shown


@pytest.mark.parametrize("name", ["retry", "wait", "optional", "overflow", "tag", "tags", "redirect"])
@pytest.mark.parametrize("form", ["?{}=1", "?rto=2&{}=yes", "?+X-Club=1&{}=2", "?{}=", "#?{}=yes", "? {} =1"])
def test_parameters_that_decide_for_us_are_refused_by_name(name: str, form: str) -> None:
    for spelled in (name, name.upper()):
        assert repr(name) in refusal(f"json://{HOST}/" + form.format(spelled))


@pytest.mark.parametrize("query", ["?%6fptional=yes", "?r%65try=3"])
def test_a_hidden_parameter_is_found_in_what_apprise_made_of_it(query: str) -> None:
    assert "out of the url" in refusal(f"json://{HOST}/{query}")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        (f"json://{HOST}/, json://{HOST}/2", "several urls"),
        (f"json://{HOST}/ xml://{HOST}/", "several urls"),
        ("slack://T1JJ3T3L2/A1BRTD4JD/TIiajkdnlazkcOXrIdevi7FQ/%23one/%23two", "several places"),
        (f"mqtt://{HOST}/one,two", "several places"),
        (f"nosuchservice://{HOST}/", "knows no service"),
        ("file:///etc/example.org.yml", "knows no service"),
        ("https://example.org/apprise.yml", "knows no service"),
        (PASSWORD, "begins with the name"),
        ("json://", "something in it is missing"),
        ("tgram://example.org/", "something in it is missing"),
        (f"smpp://{HOST}/33199001234/33199001235", '"sms"'),
        (f"xmpp://{HOST}/member@example.org", "mode=starttls"),
        (f"xmpps://{HOST}/member@example.org", "mode=starttls"),
        (f"xmpp://{HOST}/member@example.org?mode=none", "mode=starttls"),
    ],
)
def test_what_cannot_be_one_place_is_refused(url: str, why: str) -> None:
    assert why in refusal(url)


@pytest.mark.skipif(importlib.util.find_spec("gntp") is not None, reason="gntp is installed here")
def test_a_missing_package_is_named() -> None:
    assert "gntp" in refusal(f"growl://{HOST}/")


@pytest.mark.parametrize("keys", [{"timeout": "0s"}, {"probe": "https://example.org"}, {"to": ["x"]}])
def test_settings_say_what_is_wrong(keys: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        fake_apprise.settings("json://example.org/", **keys)


def test_the_url_stays_hidden() -> None:
    settings = fake_apprise.settings(f"json://{HOST}/")
    channel = build(f"json://{HOST}/")
    for shown in (repr(settings), str(settings), settings.model_dump_json(), repr(channel)):
        assert PASSWORD not in shown


# How an answer is read: with results as the library itself makes them.


def result(*words: str, status: Any = SERVICES.FAILURE, overall: Any = None, **keys: Any) -> Any:
    logs = [NotifyLogEntry("WARNING", text) for text in words]
    service = NotifyResult("JSON", "json://example.org", attempts=[NotifyAttempt(status, logs=logs)], **keys)
    return library.AppriseResult(service.status if overall is None else overall, [service])


CASES: list[tuple[Any, type[SendError] | None]] = [
    (result(status=SERVICES.SUCCESS), None),
    (result("error=403.", status=SERVICES.SUCCESS), None),
    (result(), OutcomeUnknown),
    (result("A Connection error occurred sending JSON notification to h."), OutcomeUnknown),
    (result(f"Failed for {PASSWORD}: Bad Request, error=400."), MessageRefused),
    (result("Unauthorized, error=401."), AccessDenied),
    (result("error=404"), AccessDenied),
    (result("error=404", "error=404."), AccessDenied),
    (result("error=413."), MessageRefused),
    (result("error=429."), Throttled),
    (result("error=302."), AccessDenied),
    (result("error=408."), OutcomeUnknown),
    (result("error=500."), OutcomeUnknown),
    (result("error=503."), OutcomeUnknown),
    (result("error=200."), OutcomeUnknown),
    (result("error=4040."), OutcomeUnknown),
    (result("myerror=404."), OutcomeUnknown),
    (result("login error=401.", "send error=500."), OutcomeUnknown),
    (result(status=SERVICES.TIMEOUT), OutcomeUnknown),
    (result(overall=SERVICES.PARTIAL), OutcomeUnknown),
    (result(overall=SERVICES.SUCCESS), OutcomeUnknown),
    (library.AppriseResult(SERVICES.SUCCESS), OutcomeUnknown),
    (library.AppriseResult(), AccessDenied),
    (library.AppriseResult(SERVICES.FAILURE), OutcomeUnknown),
]


@pytest.mark.parametrize(("answer", "wanted"), CASES)
def test_an_answer_is_read_strictly(answer: Any, wanted: type[SendError] | None) -> None:
    if wanted is None:
        assert read_result(answer, 0.0, None) == Accepted()
        return
    with pytest.raises(SendError) as caught:
        read_result(answer, 0.0, None)
    assert type(caught.value) is wanted
    assert PASSWORD not in f"{caught.value!r} {caught.value.reason}"


def test_a_throttled_service_gets_at_least_its_own_pause() -> None:
    with pytest.raises(Throttled) as caught:
        read_result(result("error=429."), 30.0, None)
    assert caught.value.retry_after == 30.0


def test_a_wait_before_the_first_request_is_throttled() -> None:
    gate = Gate(5.5)
    with pytest.raises(Waiting):
        gate(wait=12.0)
    assert gate.asked == 12.0
    with pytest.raises(Throttled) as caught:
        read_result(result(), 0.0, gate.asked)
    assert caught.value.retry_after == 12.0


def test_a_wait_after_a_request_says_nothing_about_that_request() -> None:
    gate = Gate(0)
    gate()
    with pytest.raises(Waiting):
        gate(wait=12.0)
    assert gate.asked is None


# One message, handed over once.


async def test_everything_the_reader_needs_arrives(http_faults: HttpFaults) -> None:
    channel = build(f"json://club:{PASSWORD}@127.0.0.1:{http_faults.port}/in/{PATH_SECRET}")
    accepted = await send(channel, link="https://example.org/plan", place="Boulodrome")
    (request,) = posts(http_faults)
    said = request.json()
    assert said["title"] == "[URGENT] Concours annulé"
    for text in ("terrain inondé", "https://example.org/plan", PAGE, "K7F3", "Boulodrome", CLUB.name):
        assert text in said["message"]
    assert "<p>" not in said["message"]
    assert not accepted.delivered
    assert not channel.traits.confirms


@pytest.mark.parametrize(
    ("form", "wanted", "unwanted"),
    [
        ("html", "<strong>samedi</strong>", "**samedi**"),
        ("markdown", "**samedi**", "<strong>"),
        ("text", "de samedi est", "**"),
    ],
)
async def test_the_format_is_the_services(
    http_faults: HttpFaults, form: str, wanted: str, unwanted: str
) -> None:
    await send(build(f"json://127.0.0.1:{http_faults.port}/?format={form}"))
    message = posts(http_faults)[0].json()["message"]
    assert wanted in message
    assert unwanted not in message
    assert PAGE in message


@pytest.mark.parametrize("form", ["html", "markdown", "text"])
async def test_nobody_is_rung_by_a_mention(http_faults: HttpFaults, form: str) -> None:
    text = "Venez @everyone, @here, <!channel> et <@&12345> !"
    await send(build(f"json://127.0.0.1:{http_faults.port}/?format={form}"), title=text, body=text)
    said = posts(http_faults)[0].json()
    for shown in (
        said["title"],
        said["message"].replace("&lt;", "<").replace("&amp;", "&").replace("\\", ""),
    ):
        assert "everyone" in shown
        for mention in ("@everyone", "@here", "<!channel", "<@"):
            assert mention not in shown


async def test_no_send_sleeps_for_the_services_rate(http_faults: HttpFaults) -> None:
    """Apprise itself would sleep 5.5 s before the second."""
    channel = build(f"nctalk://club:{PASSWORD}@127.0.0.1:{http_faults.port}/room")
    (pace,) = channel.paces("configured")
    assert pace.interval == 5.5
    http_faults.always(http.reply(201))
    started = time.monotonic()
    for _ in range(3):
        await send(channel)
    assert time.monotonic() - started < 3
    assert len(posts(http_faults)) == 3


async def test_a_service_that_wants_to_wait_is_not_waited_for(http_faults: HttpFaults) -> None:
    """Mastodon's service keeps the server's limit and would sleep until its end."""
    end = str(int(time.time()) + 30)
    limits = {"X-RateLimit-Remaining": "0", "X-RateLimit-Limit": end, "X-RateLimit-Reset": end}
    http_faults.always(http.reply(200, json={"id": "1", "url": "u"}, headers=limits))
    channel = build(f"mastodon://token@127.0.0.1:{http_faults.port}/?visibility=public", timeout="5s")
    await send(channel)
    seen = len(posts(http_faults))
    started = time.monotonic()
    with pytest.raises(Throttled) as caught:
        await send(channel)
    assert time.monotonic() - started < 2
    assert 20 < caught.value.retry_after <= 31
    assert len(posts(http_faults)) == seen == 1


async def test_threads_that_hang_are_few_and_hold_nobody(http_faults: HttpFaults) -> None:
    http_faults.always(http.drip(200, "x" * 1000, every=0.02))
    channel = build(f"json://127.0.0.1:{http_faults.port}/", timeout="0.1s")
    before = set(threading.enumerate())
    for _ in range(MAX_HANGING):
        with pytest.raises(OutcomeUnknown, match="no answer in time"):
            await send(channel)
    left = set(threading.enumerate()) - before
    assert all(thread.daemon for thread in left)
    with pytest.raises(Unavailable, match="still hang"):
        await send(channel)
    assert len(posts(http_faults)) == MAX_HANGING


async def test_a_service_that_broke_off_is_followed_by_a_fresh_one(http_faults: HttpFaults) -> None:
    channel = build(f"json://127.0.0.1:{http_faults.port}/", timeout="0.3s")
    http_faults.next(http.hang())
    with pytest.raises(OutcomeUnknown):
        await send(channel)
    assert await send(channel) == Accepted()


async def test_two_sends_at_once_take_turns(http_faults: HttpFaults) -> None:
    channel = build(f"json://127.0.0.1:{http_faults.port}/")
    assert channel.max_in_flight == 1
    assert await asyncio.gather(*(send(channel) for _ in range(5))) == [Accepted()] * 5
    assert len(posts(http_faults)) == 5


async def test_no_log_shows_the_url_even_where_all_is_logged(
    http_faults: HttpFaults, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(0):
        for name in ("apprise", "urllib3", "urllib3.connectionpool"):
            caplog.set_level(0, logger=name)
        channel = build(f"json://club:{PASSWORD}@127.0.0.1:{http_faults.port}/in/{PATH_SECRET}")
        http_faults.next(http.reply(403))
        with pytest.raises(AccessDenied):
            await send(channel)
        await send(channel)
    assert posts(http_faults)
    assert PASSWORD not in caplog.text
    assert PATH_SECRET not in caplog.text
    assert "terrain" not in caplog.text
    assert not logging.getLogger("apprise").propagate


def test_a_member_has_no_address_here() -> None:
    channel = build("json://example.org/")
    assert channel.place() == "configured"
    with pytest.raises(ValueError, match="one place"):
        channel.normalise("+33199001234")


# Sizes.


def sized(url: str, body: int, title: int) -> Any:
    service = load_service(url).service
    service.body_maxlen, service.title_maxlen = body, title
    return service


def render(service: Any, page: str | None = PAGE, **changes: Any) -> rendering.AppriseMessage:
    return rendering.render_for(service, announcement(**changes), CLUB, page)


def test_sms_sized_services_keep_link_and_code() -> None:
    message = render(load_service("freemobile://12345678@abcdefghijklmn").service, body="Lorem ipsum. " * 90)
    assert len(message.body) <= 160
    assert message.title == ""
    assert message.body.startswith("[URGENT] Concours annulé")
    assert PAGE in message.body
    assert "K7F3" in message.body
    assert "…" in message.body
    assert "Lorem" in message.text.split("…")[0]


def test_a_long_title_is_cut_and_stands_whole_in_the_body() -> None:
    title = "Le concours de samedi est reporté " * 5
    message = render(sized("json://example.org/", 2000, 40), title=title.strip())
    assert len(message.title) <= 40
    assert message.title.endswith("…")
    assert title.strip() in message.body


def test_without_room_for_the_code_the_message_is_refused() -> None:
    with pytest.raises(MessageRefused):
        render(sized("json://example.org/", 5, 0))


def test_desktop_services_get_few_lines() -> None:
    service = sized("json://example.org/", 2000, 200)
    service.body_max_line_count = 2
    message = render(service, body="eins\n\nzwei\n\ndrei")
    assert message.body.count("\n") < 2
    assert "K7F3" in message.body


_texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=600)


@settings(max_examples=60, deadline=None)
@given(
    body=_texts
    | st.lists(
        st.sampled_from(["**a**", "\n\n", "- x", "&", "<b>", "_u_", "`c`", " long " * 9]), max_size=60
    ).map("".join),
    title=st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=200),
    room=st.integers(110, 900),
    title_room=st.sampled_from([0, 20, 250]),
    form=st.sampled_from(["text", "html", "markdown"]),
)
def test_any_text_fits_and_keeps_link_and_code(
    body: str, title: str, room: int, title_room: int, form: str
) -> None:
    service = sized(f"json://example.org/?format={form}", room, title_room)
    message = render(service, title=title, body=body)
    assert len(message.title) <= title_room
    length = rendering._length(service, message.body) if form != "text" else len(message.body)
    assert length <= room
    assert "K7F3" in message.body
    assert PAGE in message.body or room < 220
    assert message.body_format == ("text" if form == "text" else "html")


async def test_what_fits_is_not_cut_again_by_apprise(http_faults: HttpFaults) -> None:
    channel = build(f"json://127.0.0.1:{http_faults.port}/")
    message = channel.render(announcement(body="Une phrase de plus. " * 5000), PAGE)
    assert len(message.body) <= 32768
    await channel.send(message, "configured", "key")
    assert posts(http_faults)[0].json()["message"] == message.body


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
    assert (failed.layer, failed.detail) == (Layer.TLS, "the server offers no STARTTLS")


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
