"""Apprise: what is refused in a URL, how its answers are read, and how a message is handed over."""

from __future__ import annotations

import asyncio
import importlib.util
import logging
import subprocess
import sys
import threading
import time
from typing import Any

import apprise as library
import pytest
from apprise.logger import NotifyLogEntry
from apprise.result import NotifyAttempt, NotifyResult
from pydantic import ValidationError

from fallback_cast.channels.apprise.channel import MAX_HANGING, AppriseChannel, read_result
from fallback_cast.channels.apprise.service import Gate, Waiting
from fallback_cast.model.errors import (
    AccessDenied,
    MessageRefused,
    OutcomeUnknown,
    SendError,
    Throttled,
    Unavailable,
)
from fallback_cast.model.message import Accepted
from tests.channels import fake_apprise
from tests.channels.fake import CLUB, announcement
from tests.channels.fake_apprise import PASSWORD, PATH_SECRET, build, posts
from tests.counterparts import http_faults as http
from tests.counterparts.http_faults import HttpFaults
from tests.counterparts.require import ROOT

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


def test_a_service_that_hangs_does_not_hold_the_exit(http_faults: HttpFaults) -> None:
    http_faults.always(http.drip(200, "x" * 1000, every=0.1))
    script = f"""
import asyncio, time
from tests.channels.fake import announcement
from tests.channels.fake_apprise import build

async def main():
    channel = build("json://127.0.0.1:{http_faults.port}/", timeout="0.3s")
    try:
        await channel.send(channel.render(announcement()), "configured", "key")
    except Exception as error:
        print(type(error).__name__)

asyncio.run(main())
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=30, cwd=ROOT
    )
    assert done.stdout == "OutcomeUnknown\n", done.stderr
    assert done.stderr == ""
    assert len(posts(http_faults)) == 1


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
