"""One HTTP request: what its answer or its fault means for a message."""

from __future__ import annotations

import ssl
import time
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fallback_cast.channels.kit.http import (
    MAX_ANSWER_BYTES,
    MAX_RETRY_AFTER_S,
    HttpClient,
    json_body,
    raise_for_answer,
    retry_after,
    ssl_context,
)
from fallback_cast.model.errors import (
    AccessDenied,
    Layer,
    MessageRefused,
    OutcomeUnknown,
    SendError,
    Throttled,
    Unavailable,
    UserError,
)
from tests.counterparts import http_faults as http
from tests.counterparts.http_faults import HttpFaults
from tests.counterparts.tls import Certificates, Kind

NO_HOST = f"{'x' * 64}.invalid"  # a label longer than DNS allows: fails without asking anybody
_calm = settings(deadline=None)  # the machine may be busy with other tests


# What an answer means.

STATUSES: dict[int, type[SendError] | None] = {
    200: None,
    201: None,
    202: None,
    204: None,
    299: None,
    301: AccessDenied,
    302: AccessDenied,
    307: AccessDenied,
    400: MessageRefused,
    413: MessageRefused,
    415: MessageRefused,
    422: MessageRefused,
    401: AccessDenied,
    402: AccessDenied,
    403: AccessDenied,
    404: AccessDenied,
    405: AccessDenied,
    410: AccessDenied,
    408: OutcomeUnknown,
    502: OutcomeUnknown,
    504: OutcomeUnknown,
    500: OutcomeUnknown,
    503: OutcomeUnknown,
    420: Throttled,
    429: Throttled,
}


@pytest.mark.parametrize(("status", "wanted"), STATUSES.items())
def test_what_a_status_means(status: int, wanted: type[SendError] | None) -> None:
    answer = httpx.Response(status, content=b"<html>a proxy's page with secrets</html>")
    if wanted is None:
        raise_for_answer(answer)
        return
    with pytest.raises(SendError) as caught:
        raise_for_answer(answer)
    assert type(caught.value) is wanted
    assert caught.value.reason == f"HTTP {status}"


@pytest.mark.parametrize("status", range(300, 600))
def test_no_status_but_success_passes(status: int) -> None:
    with pytest.raises(SendError):
        raise_for_answer(httpx.Response(status))


@pytest.mark.parametrize(
    ("status", "wanted"),
    [(500, Unavailable), (503, Unavailable), (502, OutcomeUnknown), (504, OutcomeUnknown)],
)
def test_a_providers_own_word_of_failure_is_sure(status: int, wanted: type[SendError]) -> None:
    with pytest.raises(SendError) as caught:
        raise_for_answer(httpx.Response(status, json={"error": "database"}))
    assert type(caught.value) is wanted


def test_503_with_retry_after_is_a_pause() -> None:
    with pytest.raises(Throttled) as caught:
        raise_for_answer(httpx.Response(503, headers={"Retry-After": "17"}))
    assert caught.value.retry_after == 17.0


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 7 ", 7.0),
        ("999999999", MAX_RETRY_AFTER_S),
        ("", None),
        ("soon", None),
        ("-3", None),
        ("1.5", None),
        ("²", None),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("Wed, 21 Oct 9999 07:28:00 GMT", MAX_RETRY_AFTER_S),
        ("Wed, 21 Oct 2015 07:28:00", 0.0),
        ("Wed, 99 Oct 2015 07:28:00 GMT", None),
    ],
)
def test_retry_after_in_all_its_forms(header: str, seconds: float | None) -> None:
    assert retry_after(httpx.Response(429, headers=[(b"Retry-After", header.encode())])) == seconds


def test_retry_after_as_a_date_counts_from_now() -> None:
    moment = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    seconds = retry_after(httpx.Response(429, headers={"Retry-After": moment}))
    assert seconds is not None
    assert 55 <= seconds <= 61


@_calm
@given(st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=40))
def test_retry_after_is_never_longer_than_an_hour_and_never_breaks(header: str) -> None:
    seconds = retry_after(httpx.Response(429, headers=[(b"Retry-After", header.encode("latin-1"))]))
    assert seconds is None or 0 <= seconds <= MAX_RETRY_AFTER_S


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b'{"a": 1}', {"a": 1}),
        (b"[1]", None),
        (b"", None),
        (b"nonsense", None),
        (b"\xff\xfe", None),
        (b"null", None),
        (b"[" * 100_000, None),
        (b'{"a": "' + b"x" * MAX_ANSWER_BYTES + b'"}', None),
    ],
    ids=["object", "list", "empty", "words", "bytes", "null", "deep", "huge"],
)
def test_only_a_json_object_of_decent_size_is_read(body: bytes, value: dict[str, Any] | None) -> None:
    assert json_body(httpx.Response(200, content=body)) == value


# One request, and what its fault means.


async def ask(url: str, **keys: Any) -> httpx.Response:
    async with HttpClient(url, connect_s=1.0, read_s=0.4, **keys) as client:
        return await client.request("POST", "/secret-path", content=b"secret-body")


async def fault(url: str, **keys: Any) -> SendError:
    with pytest.raises(SendError) as caught:
        await ask(url, **keys)
    shown = f"{caught.value!r} {caught.value.reason}"
    assert "secret" not in shown
    assert "127.0.0.1" not in shown
    return caught.value


ACTIONS: dict[str, http.Action] = {
    "hangs": http.hang(),
    "cut at once": http.cut_before_reading(),
    "cut after the request": http.cut_after_request(),
    "reset after the request": http.reset(),
    "cut in the body": http.cut_in_body(200, b"accepted"),
    "no HTTP": http.nonsense(),
    "too slow": http.delayed(2, http.reply()),
}


@pytest.mark.parametrize("case", ACTIONS)
async def test_after_connecting_everything_is_unknown(case: str, http_faults: HttpFaults) -> None:
    http_faults.always(ACTIONS[case])
    error = await fault(http_faults.url)
    assert type(error) is OutcomeUnknown
    assert len(http_faults.requests) <= 1


async def test_a_reset_at_once_may_come_before_or_after_connecting(http_faults: HttpFaults) -> None:
    """The kernel may report it while we still connect: only then it is surely not sent."""
    http_faults.always(http.reset(before_reading=True))
    error = await fault(http_faults.url)
    assert type(error) in (OutcomeUnknown, Unavailable)
    assert type(error) is OutcomeUnknown or error.layer is Layer.ROUTE


async def test_before_connecting_nothing_went_out() -> None:
    with http.refused_port() as port:
        error = await fault(f"http://127.0.0.1:{port}")
    assert (type(error), error.layer) == (Unavailable, Layer.ROUTE)
    with http.blackhole() as port:
        error = await fault(f"http://127.0.0.1:{port}")
    assert (type(error), error.layer) == (Unavailable, Layer.ROUTE)
    error = await fault(f"http://{NO_HOST}")
    assert (type(error), error.layer) == (Unavailable, Layer.NAME)


@pytest.mark.parametrize("kind", ["expired", "wrong_name", "foreign"])
async def test_a_bad_certificate_gets_no_request(kind: Kind, certificates: Certificates) -> None:
    with http.http_faults(certificates.server_context(kind)) as faults:
        error = await fault(f"https://127.0.0.1:{faults.port}", ca_file=certificates.ca_file)
        assert (type(error), error.layer) == (Unavailable, Layer.TLS)
        assert "certificate" in error.reason
        assert not faults.requests


async def test_a_good_certificate_is_believed(certificates: Certificates) -> None:
    with http.http_faults(certificates.server_context("good")) as faults:
        answer = await ask(f"https://127.0.0.1:{faults.port}", ca_file=certificates.ca_file)
    assert answer.status_code == 200


async def test_tls_to_a_plain_port_gets_no_request(http_faults: HttpFaults) -> None:
    error = await fault(f"https://127.0.0.1:{http_faults.port}")
    assert type(error) is Unavailable
    # The random bytes of a handshake may hold line ends: the server then takes them for a request of sorts.
    assert not [request for request in http_faults.requests if request.method.isalpha()]


async def test_no_redirect_is_followed_and_no_cookie_kept(http_faults: HttpFaults) -> None:
    http_faults.next(http.redirect("/elsewhere"), http.reply(200, headers={"Set-Cookie": "a=b"}))
    async with HttpClient(http_faults.url) as client:
        assert (await client.request("POST", "/a")).status_code == 307
        await client.request("POST", "/b")
        await client.request("POST", "/c")
    assert [request.path for request in http_faults.requests] == ["/a", "/b", "/c"]
    assert all("cookie" not in request.headers for request in http_faults.requests)


@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "DELETE"])
async def test_a_kept_connection_that_died_is_not_tried_again(method: str, http_faults: HttpFaults) -> None:
    async with HttpClient(http_faults.url, read_s=0.5) as client:
        assert (await client.request(method, "/a")).status_code == 200
        http_faults.always(http.cut_after_request())
        with pytest.raises(OutcomeUnknown):
            await client.request(method, "/b")
    assert [request.path for request in http_faults.requests] == ["/a", "/b"]


async def test_an_endless_answer_ends(http_faults: HttpFaults) -> None:
    http_faults.always(http.drip(200, "x" * 10_000, every=0.05))
    started = time.monotonic()
    assert type(await fault(http_faults.url)) is OutcomeUnknown
    assert time.monotonic() - started < 6


async def test_the_environments_proxy_is_not_used(
    http_faults: HttpFaults, monkeypatch: pytest.MonkeyPatch
) -> None:
    with http.refused_port() as port:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{port}")
        assert (await ask(http_faults.url)).status_code == 200


async def test_a_fresh_client_takes_a_connection_of_its_own(http_faults: HttpFaults) -> None:
    async with HttpClient(http_faults.url) as client:
        for _ in range(3):
            await client.request("GET", "/")
        assert http_faults.connections == 1
        for _ in range(2):
            async with client.fresh() as fresh:
                await fresh.request("GET", "/")
                await fresh.request("GET", "/")
        assert http_faults.connections >= 3, "each probe has a new one; its own reads may share it"


def test_an_unreadable_authority_is_a_mistake_in_the_settings(tmp_path: Any) -> None:
    nonsense = tmp_path / "ca.pem"
    nonsense.write_text("no certificate")
    for path in (nonsense, tmp_path / "missing.pem"):
        with pytest.raises(UserError):
            ssl_context(path)
    context = ssl_context(None)
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
