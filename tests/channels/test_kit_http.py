"""The shared HTTP client: what each fault means, that nothing is repeated, that everything ends."""

from __future__ import annotations

import asyncio
import gzip
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from fallback_cast.channels.kit.http import (
    MAX_ANSWER_BYTES,
    HttpClient,
    json_body,
    raise_for_answer,
    retry_after,
)
from fallback_cast.model.errors import AccessDenied, Layer, OutcomeUnknown, SendError, Unavailable
from tests.counterparts import http_faults as http
from tests.counterparts.http_faults import HttpFaults
from tests.counterparts.tls import Certificates


def client(url: str, **options: float) -> HttpClient:
    return HttpClient(url, **{"connect_s": 0.3, "read_s": 0.3, **options})  # type: ignore[arg-type]


async def fault_of(url: str) -> SendError:
    async with client(url) as asking:
        with pytest.raises(SendError) as caught:
            await asking.request("POST", "/x", json={})
    return caught.value


async def test_no_connection_means_surely_not_sent() -> None:
    with http.refused_port() as port:
        refused = await fault_of(f"http://127.0.0.1:{port}")
    with http.blackhole() as port:
        dropped = await fault_of(f"http://127.0.0.1:{port}")
    nameless = await fault_of(f"http://{'x' * 64}.invalid")
    assert [(type(f), f.layer) for f in (refused, dropped, nameless)] == [
        (Unavailable, Layer.ROUTE),
        (Unavailable, Layer.ROUTE),
        (Unavailable, Layer.NAME),
    ]


async def test_silence_in_the_tls_handshake_means_surely_not_sent() -> None:
    with http.silent_server() as silent:
        fault = await fault_of(f"https://127.0.0.1:{silent.port}")
    assert type(fault) is Unavailable


@pytest.mark.parametrize(
    "action",
    [
        http.hang(),
        http.cut_before_reading(),
        http.cut_after_request(),
        http.reset(),
        http.reset(before_reading=True),
        http.nonsense(),
        http.cut_in_body(200, b"hello"),
    ],
)
async def test_a_lost_answer_is_unknown_and_not_asked_for_again(
    http_faults: HttpFaults, action: http.Action
) -> None:
    http_faults.always(action)
    async with client(http_faults.url) as asking:
        for method in ("POST", "PUT", "GET"):
            # A reset can come before the connection is known to stand: then nothing went out.
            early = (OutcomeUnknown, Unavailable) if action.before_reading else OutcomeUnknown
            with pytest.raises(early):
                await asking.request(method, "/x")
    assert len(http_faults.requests) <= 3
    assert http_faults.connections == 3


async def test_an_answer_of_another_coding_is_unknown(http_faults: HttpFaults) -> None:
    http_faults.always(http.reply(200, b"no gzip", headers={"Content-Encoding": "gzip"}))
    async with client(http_faults.url) as asking:
        with pytest.raises(OutcomeUnknown):
            await asking.request("POST", "/x")
    assert len(http_faults.requests) == 1


async def test_a_kept_connection_that_has_died_is_not_tried_twice(http_faults: HttpFaults) -> None:
    http_faults.next(http.reply(200, b"first"), http.cut_after_request())
    async with client(http_faults.url) as asking:
        assert (await asking.request("PUT", "/x")).content == b"first"
        with pytest.raises(OutcomeUnknown):
            await asking.request("PUT", "/x")
        assert (await asking.request("PUT", "/x")).status_code == 200
    assert len(http_faults.requests) == 3


async def test_an_answer_that_drips_for_ever_ends(http_faults: HttpFaults) -> None:
    http_faults.always(http.drip(200, b"x" * 10_000, every=0.05))
    started = time.monotonic()
    async with client(http_faults.url) as asking:
        with pytest.raises(OutcomeUnknown, match="in time"):
            await asking.request("POST", "/x")
    assert time.monotonic() - started < 3


async def test_a_flood_is_cut(http_faults: HttpFaults) -> None:
    http_faults.always(
        http.reply(200, gzip.compress(b"[" + b" " * 50_000_000 + b"]"), headers={"Content-Encoding": "gzip"})
    )
    async with client(http_faults.url, read_s=5) as asking:
        answer = await asking.request("GET", "/x")
    assert MAX_ANSWER_BYTES < len(answer.content) < 40_000_000
    assert json_body(answer) is None


async def test_an_answer_is_decoded_once(http_faults: HttpFaults) -> None:
    body = gzip.compress(b'{"a": "\xc3\xa9"}')
    http_faults.always(http.reply(200, body, headers={"Content-Encoding": "gzip", "X-Sign": "\xb2"}))
    async with client(http_faults.url) as asking:
        answer = await asking.request("GET", "/x")
    assert json_body(answer) == {"a": "é"}
    assert answer.headers["x-sign"]


async def test_no_redirect_and_no_cookie_is_kept(http_faults: HttpFaults) -> None:
    http_faults.always(http.reply(307, headers={"Location": "/y", "Set-Cookie": "a=b"}))
    async with client(http_faults.url) as asking:
        for _ in range(2):
            assert (await asking.request("POST", "/x")).status_code == 307
    assert [request.path for request in http_faults.requests] == ["/x", "/x"]
    assert "cookie" not in http_faults.requests[1].headers


async def test_a_probe_has_connections_of_its_own(http_faults: HttpFaults) -> None:
    async with client(http_faults.url) as asking:
        await asking.request("GET", "/x")
        async with asking.fresh() as fresh:
            await fresh.request("GET", "/x")
            await fresh.request("GET", "/x")
        await asking.request("GET", "/x")
    assert (len(http_faults.requests), http_faults.connections) == (4, 2)


async def test_many_at_once_share_the_connections(http_faults: HttpFaults) -> None:
    async with client(http_faults.url, max_connections=3, read_s=5) as asking:
        await asyncio.gather(*(asking.request("GET", f"/{number}") for number in range(60)))
    assert len({request.path for request in http_faults.requests}) == 60
    assert http_faults.connections <= 3


@pytest.mark.parametrize("address", ["ftp://127.0.0.1", "http://[::1", "http://127.0.0.1:port"])
async def test_an_address_that_is_none_is_a_matter_of_settings(address: str) -> None:
    assert type(await fault_of(address)) is AccessDenied


async def test_tls_faults_have_their_layer(certificates: Certificates) -> None:
    with http.http_faults(certificates.server_context("expired")) as faults:
        async with HttpClient(faults.url, ca_file=certificates.ca_file) as asking:
            with pytest.raises(Unavailable, match="expired") as caught:
                await asking.request("GET", "/")
    assert caught.value.layer is Layer.TLS


def later(seconds: float) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(
    ("value", "low", "high"),
    [
        (lambda: "7", 7, 7),
        (lambda: " 0 ", 0, 0),
        (lambda: "9" * 400, 3600, 3600),
        (lambda: later(60), 55, 60),
        (lambda: later(-60), 0, 0),
        (lambda: later(90_000), 3600, 3600),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: Callable[[], str], low: float, high: float) -> None:
    seconds = retry_after(httpx.Response(429, headers={"Retry-After": value()}))
    assert seconds is not None
    assert low <= seconds <= high


@pytest.mark.parametrize("value", ["", "soon", "-1", "1.5", "Mon, 99 Nov 99999 99:99:99 GMT"])
def test_retry_after_of_nonsense_is_nothing(value: str) -> None:
    assert retry_after(httpx.Response(429, headers={"Retry-After": value})) is None


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"1", b"{", b"\xff", b"[" * 100_000, b'"' + b"x" * 2_000_000]
)
def test_what_is_no_json_object_is_nothing(content: bytes) -> None:
    assert json_body(httpx.Response(200, content=content)) is None


def test_success_raises_nothing() -> None:
    for status in (200, 201, 202, 204):
        raise_for_answer(httpx.Response(status))
